import type { Pod, RuntimeClass } from '../../../lib/api/gen/types.ts';
import { sameAmounts } from '../../../lib/api/quota/index.ts';
import { quote } from '../../../lib/api/validate/quote.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../pipeline/admission.ts';
import { current, refusal, writtenPod } from './common.ts';
import { mergeTolerations } from './tolerations.ts';

/** A pod's runtime class must exist, and brings its overhead (KEP-688) and the nodes that it is on. */
export function runtimeClass(cache: WatchCache): AdmissionPlugin {
  const classOf = async (attributes: AdmissionAttributes, pod: Pod): Promise<RuntimeClass | undefined> => {
    const name = pod.spec.runtimeClassName;
    if (name === undefined) return undefined;
    // A class that was just deleted is not to be had any more: memory alone will not do.
    const found = await current<RuntimeClass>(cache, 'node.k8s.io/runtimeclasses', name);
    if (!found) throw refusal(attributes, `pod rejected: RuntimeClass ${quote(name)} not found`);
    return found;
  };

  return {
    name: 'RuntimeClass',
    types: ['pods'],

    async mutate(attributes) {
      const pod = writtenPod(attributes);
      if (!pod || attributes.operation !== 'CREATE') return;
      const found = await classOf(attributes, pod);
      if (found?.overhead) setOverhead(attributes, pod, found.overhead.podFixed ?? {});
      if (found?.scheduling) setScheduling(attributes, pod, found.scheduling);
    },

    async validate(attributes) {
      const pod = writtenPod(attributes);
      if (!pod || attributes.operation !== 'CREATE') return;
      const found = await classOf(attributes, pod);
      if (found?.overhead) {
        if (!sameAmounts(found.overhead.podFixed ?? {}, pod.spec.overhead ?? {})) {
          throw refusal(attributes, mismatch);
        }
      } else if (pod.spec.overhead) {
        throw refusal(
          attributes,
          'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
        );
      }
    },
  };
}

const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

function setOverhead(attributes: AdmissionAttributes, { spec }: Pod, overhead: Record<string, string>): void {
  const present = spec.overhead ?? {};
  if (Object.keys(present).length > 0 && !sameAmounts(present, overhead)) throw refusal(attributes, mismatch);
  spec.overhead = { ...overhead };
}

function setScheduling(
  attributes: AdmissionAttributes,
  { spec }: Pod,
  { nodeSelector = {}, tolerations = [] }: NonNullable<RuntimeClass['scheduling']>,
): void {
  const selector = { ...spec.nodeSelector };
  for (const [key, value] of Object.entries(nodeSelector)) {
    const present = Object.hasOwn(selector, key) ? selector[key] : undefined;
    if (present !== undefined && present !== value) {
      throw refusal(
        attributes,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${present}`,
      );
    }
    selector[key] = value;
  }
  if (Object.keys(selector).length > 0) spec.nodeSelector = selector;
  const merged = mergeTolerations(spec.tolerations ?? [], tolerations);
  if (merged.length > 0) spec.tolerations = merged;
}
