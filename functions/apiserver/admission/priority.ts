import type { Pod, PriorityClass } from '../../../lib/api/gen/types.ts';
import { systemPriorityClasses } from '../../../lib/api/kinds/scheduling/priority-class.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../pipeline/admission.ts';
import { listAll, lookUp, refusal, writtenObject, writtenPod } from './common.ts';

const storage = 'scheduling.k8s.io/priorityclasses';

/** A pod's priority, by the name of its class; and at most one class is everybody's default. */
export function priority(cache: WatchCache): AdmissionPlugin {
  const defaultClass = async (): Promise<PriorityClass | undefined> => {
    const defaults = (await listAll<PriorityClass>(cache, storage)).filter((one) => one.globalDefault);
    return defaults.toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
  };

  const classOf = async (attributes: AdmissionAttributes, pod: Pod) => {
    const name = pod.spec.priorityClassName;
    if (!name) return defaultClass();
    const found = await lookUp<PriorityClass>(cache, storage, name);
    if (!found) throw refusal(attributes, `no PriorityClass with name ${name} was found`);
    return found;
  };

  return {
    name: 'Priority',

    async mutate(attributes) {
      const pod = writtenPod(attributes);
      if (!pod) return;
      if (attributes.operation === 'CREATE') setPriority(attributes, pod, await classOf(attributes, pod));
      else keepPriority(pod, attributes.oldObject as Pod | undefined);
    },

    async validate(attributes) {
      const { entry, operation, name } = attributes;
      if (entry.storage !== storage) return;
      if (operation === 'DELETE' && systemPriorityClasses.some(({ metadata }) => metadata.name === name)) {
        throw refusal(attributes, 'this is a system priority class and cannot be deleted');
      }
      const written = writtenObject<PriorityClass>(attributes, storage);
      if (!written?.globalDefault) return;
      const present = await defaultClass();
      if (!present || (operation === 'UPDATE' && present.metadata.name === written.metadata.name)) return;
      throw refusal(
        attributes,
        `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`,
      );
    },
  };
}

function setPriority(attributes: AdmissionAttributes, { spec }: Pod, found: PriorityClass | undefined): void {
  const value = found?.value ?? 0;
  const policy = found ? found.preemptionPolicy : 'PreemptLowerPriority';
  if (found && !spec.priorityClassName) spec.priorityClassName = found.metadata.name ?? '';
  const computed = 'priority admission controller computed';
  if (spec.priority !== undefined && spec.priority !== value) {
    throw refusal(
      attributes,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; ${computed} ${value} from the given PriorityClass name`,
    );
  }
  spec.priority = value;
  if (policy === undefined) return;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw refusal(
      attributes,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; ${computed} ${policy} from the given PriorityClass name`,
    );
  }
  spec.preemptionPolicy = policy;
}

/** A client that does not know these fields leaves them as they are. */
function keepPriority({ spec }: Pod, old: Pod | undefined): void {
  if (old?.spec.priority !== undefined) spec.priority ??= old.spec.priority;
  if (old?.spec.preemptionPolicy !== undefined) spec.preemptionPolicy ??= old.spec.preemptionPolicy;
}
