import type { PriorityClass } from '../../gen/types.ts';
import { requiredChoice } from '../../validate/check.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';

/** Above it is only what the system needs. */
const highestUserPriority = 1_000_000_000;

/** The two that every cluster has; names with this prefix are kept for them. */
const systemPrefix = 'system-';

export const systemPriorityClasses: readonly PriorityClass[] = [
  {
    metadata: { name: 'system-node-critical' },
    value: 2 * highestUserPriority + 1000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2 * highestUserPriority,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];

export const priorityClassRules = rules<PriorityClass>({
  namespaced: false,
  allowUnconditionalUpdate: true,

  applyDefaults(priorityClass) {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
  },

  validateCreate(priorityClass) {
    const { metadata, preemptionPolicy } = priorityClass;
    const errors = [
      ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
      ...validateValue(priorityClass),
    ];
    if (preemptionPolicy === undefined) return errors;
    const policies = ['PreemptLowerPriority', 'Never'];
    return [...errors, ...requiredChoice(preemptionPolicy, policies, Path.of('preemptionPolicy'))];
  },

  validateUpdate(priorityClass, old) {
    const errors = validateObjectMetaUpdate(priorityClass.metadata, old.metadata);
    if (priorityClass.value !== old.value) {
      errors.push(fieldForbidden(Path.of('value'), 'may not be changed in an update.'));
    }
    const path = Path.of('preemptionPolicy');
    return [...errors, ...immutable(priorityClass.preemptionPolicy, old.preemptionPolicy, path)];
  },

  // Created with generation 1; nothing that may change starts another.
  generationChanged: () => false,
});

function validateValue({ metadata, value = 0, globalDefault = false }: PriorityClass): FieldError[] {
  const { name = '' } = metadata;
  if (!name.startsWith(systemPrefix)) {
    if (value <= highestUserPriority) return [];
    const detail = `maximum allowed value of a user defined priority is ${highestUserPriority}`;
    return [fieldForbidden(Path.of('value'), detail)];
  }
  const known = systemPriorityClasses.find((one) => one.metadata.name === name);
  let problem: string | undefined;
  if (!known) problem = `${name} is not a known system priority class`;
  else if (known.value !== value) problem = `value of ${name} PriorityClass must be ${known.value}`;
  else if (globalDefault) problem = `globalDefault of ${name} PriorityClass must be false`;
  if (problem === undefined) return [];
  const detail = `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${problem}`;
  return [fieldForbidden(Path.of('metadata', 'name'), detail)];
}
