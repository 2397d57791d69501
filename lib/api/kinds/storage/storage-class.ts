import type {
  StorageClass,
  TopologySelectorLabelRequirement,
  TopologySelectorTerm,
} from '../../gen/types.ts';
import { optionalChoice, requiredChoice } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, fieldForbidden, required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { validateLabelName } from '../../validate/labels.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { nodeLabelWarning } from '../node-label-warnings.ts';
import { rules } from '../rules.ts';
import { validateParameters, validateProvisioner } from './parameters.ts';

const bindingPath = Path.of('volumeBindingMode');
const topologiesPath = Path.of('allowedTopologies');

export const storageClassRules = rules<StorageClass>({
  namespaced: false,
  allowUnconditionalUpdate: true,

  applyDefaults(storageClass) {
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },

  validateCreate: (storageClass) => [
    ...validateObjectMeta(storageClass.metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateProvisioner(storageClass.provisioner, Path.of('provisioner')),
    ...validateParameters(storageClass.parameters, true, Path.of('parameters')),
    ...optionalChoice(
      storageClass.reclaimPolicy || undefined,
      ['Delete', 'Retain'],
      Path.of('reclaimPolicy'),
    ),
    ...requiredChoice(storageClass.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'], bindingPath),
    ...validateTopologies(storageClass.allowedTopologies ?? []),
  ],

  /** Volumes that came from a class keep to what it said. */
  validateUpdate(storageClass, old) {
    const errors = validateObjectMetaUpdate(storageClass.metadata, old.metadata);
    for (const field of ['parameters', 'provisioner', 'reclaimPolicy'] as const) {
      if (sameValue(storageClass[field], old[field])) continue;
      errors.push(fieldForbidden(Path.of(field), `updates to ${field} are forbidden.`));
    }
    return [...errors, ...immutable(storageClass.volumeBindingMode, old.volumeBindingMode, bindingPath)];
  },

  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, term) =>
      matchLabelExpressions.flatMap(({ key }, index) =>
        nodeLabelWarning(
          key,
          topologiesPath.index(term).child('matchLabelExpressions').index(index).child('key'),
        ),
      ),
    ),
});

function validateTopologies(terms: readonly TopologySelectorTerm[]): FieldError[] {
  const seen: Map<string, Set<string>>[] = [];
  return terms.flatMap((term, index) => {
    const path = topologiesPath.index(index).child('matchLabelExpressions');
    const { values, errors } = validateTerm(term, path);
    if (seen.some((other) => sameTerm(values, other))) errors.push(duplicate(path, ''));
    seen.push(values);
    return errors;
  });
}

function validateTerm({ matchLabelExpressions = [] }: TopologySelectorTerm, path: Path) {
  const values = new Map<string, Set<string>>();
  const errors = matchLabelExpressions.flatMap((requirement, index) => {
    const at = path.index(index);
    const found = validateRequirement(requirement, at);
    if (values.has(requirement.key)) found.push(duplicate(at.child('key'), requirement.key));
    values.set(requirement.key, new Set(requirement.values));
    return found;
  });
  return { values, errors };
}

function validateRequirement({ key, values }: TopologySelectorLabelRequirement, path: Path): FieldError[] {
  const at = path.child('values');
  const errors = values?.length ? [] : [required(at)];
  const seen = new Set<string>();
  for (const [index, value] of (values ?? []).entries()) {
    if (seen.has(value)) errors.push(duplicate(at.index(index), value));
    seen.add(value);
  }
  return [...errors, ...validateLabelName(key, path.child('key'))];
}

function sameTerm(a: ReadonlyMap<string, Set<string>>, b: ReadonlyMap<string, Set<string>>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([key, values]) => values.symmetricDifference(b.get(key) ?? new Set()).size === 0);
}
