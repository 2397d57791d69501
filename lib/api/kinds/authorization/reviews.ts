/** Questions about what someone may do (API reference, "SubjectAccessReview" and its relatives): created, answered, never stored. */
import type {
  FieldSelectorAttributes,
  LabelSelectorAttributes,
  LocalSubjectAccessReview,
  ObjectMeta,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectAccessReviewSpec,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from '../../gen/types.ts';
import type { KubeObject } from '../../object.ts';
import { type FieldError, invalidValue, required } from '../../validate/field-error.ts';
import { Path } from '../../validate/path.ts';
import { type KindRules, rules } from '../rules.ts';

const specPath = Path.of('spec');

export const subjectAccessReviewRules = review<SubjectAccessReview>(false, ({ spec, metadata }) => [
  ...validateSubject(spec),
  ...mustBeEmpty(metadata),
]);

export const selfSubjectAccessReviewRules = review<SelfSubjectAccessReview>(false, ({ spec, metadata }) => [
  ...validateAsked(spec),
  ...mustBeEmpty(metadata),
]);

export const selfSubjectRulesReviewRules = review<SelfSubjectRulesReview>(false, () => []);

export const localSubjectAccessReviewRules = review<LocalSubjectAccessReview>(true, ({ spec, metadata }) => {
  const { namespace, ...others } = metadata;
  const errors = [...validateSubject(spec), ...mustBeEmpty(others, ' except for namespace')];
  const asked = spec.resourceAttributes;
  if (asked && (asked.namespace ?? '') !== (namespace ?? '')) {
    const path = specPath.child('resourceAttributes', 'namespace');
    errors.push(invalidValue(path, asked.namespace ?? '', 'must match metadata.namespace'));
  }
  if (spec.nonResourceAttributes) {
    const path = specPath.child('nonResourceAttributes');
    errors.push(invalidValue(path, spec.nonResourceAttributes, 'disallowed on this kind of request'));
  }
  return errors;
});

function review<T extends KubeObject>(
  namespaced: boolean,
  validateCreate: (object: T) => FieldError[],
): KindRules {
  return rules<T>({ namespaced, applyDefaults() {}, validateCreate, validateUpdate: validateCreate });
}

function validateSubject(spec: SubjectAccessReviewSpec): FieldError[] {
  const errors = validateAsked(spec);
  if (!spec.user && !spec.groups?.length) {
    const detail = 'at least one of user or group must be specified';
    errors.push(invalidValue(specPath.child('user'), spec.user ?? '', detail));
  }
  return errors;
}

function validateAsked(spec: SelfSubjectAccessReviewSpec): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes && nonResourceAttributes) {
    const path = specPath.child('nonResourceAttributes');
    const detail = 'cannot be specified in combination with resourceAttributes';
    return [invalidValue(path, nonResourceAttributes, detail), ...validateResource(resourceAttributes)];
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    const detail = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    return [invalidValue(specPath.child('resourceAttributes'), undefined, detail)];
  }
  return resourceAttributes ? validateResource(resourceAttributes) : [];
}

function validateResource({ fieldSelector, labelSelector }: ResourceAttributes): FieldError[] {
  const path = specPath.child('resourceAttributes');
  return [
    ...(fieldSelector ? validateSelector(fieldSelector, path.child('fieldSelector')) : []),
    ...(labelSelector ? validateSelector(labelSelector, path.child('labelSelector')) : []),
  ];
}

/** KEP-4601. Operators that are not known are let through: a newer client may know more of them. */
function validateSelector(
  { rawSelector, requirements = [] }: FieldSelectorAttributes | LabelSelectorAttributes,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  if (rawSelector && requirements.length > 0) {
    const detail = 'may not specified at the same time as requirements';
    errors.push(invalidValue(path.child('rawSelector'), rawSelector, detail));
  }
  if (!rawSelector && requirements.length === 0) {
    const detail = `when ${path.toString()} is specified, requirements or rawSelector is required`;
    errors.push(required(path.child('requirements'), detail));
  }
  for (const [index, { key, operator, values = [] }] of requirements.entries()) {
    const at = path.child('requirements').index(index);
    if (!key) errors.push(required(at.child('key'), 'must be specified'));
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      const detail = "must be specified when `operator` is 'In' or 'NotIn'";
      errors.push(required(at.child('values'), detail));
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      errors.push({ ...required(at.child('values'), detail), type: 'FieldValueForbidden' });
    }
  }
  return errors;
}

/** A review is a question, not an object. Who asked is noted all the same. */
function mustBeEmpty({ managedFields: _, ...metadata }: ObjectMeta, except = ''): FieldError[] {
  const said = Object.entries(metadata).filter(([, value]) => value !== undefined);
  if (said.length === 0) return [];
  return [invalidValue(Path.of('metadata'), Object.fromEntries(said), `must be empty${except}`)];
}
