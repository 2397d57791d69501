import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Mutation } from '../../gen/types.ts';
import { requiredChoice } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import type { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';
import { checkExpression, type ExpressionOptions, loadExpressions, newVariables } from './expressions.ts';
import { defaultMatchResources, validateMutatingOperations } from './match-rules.ts';
import { specPath, validateBindingHead, validatePolicyHead, validateVariables } from './policy.ts';

export const mutatingAdmissionPolicyRules = rules<MutatingAdmissionPolicy>({
  namespaced: false,
  load: loadExpressions,

  applyDefaults({ spec }) {
    spec.failurePolicy ??= 'Fail';
    defaultMatchResources(spec.matchConstraints);
  },

  validateCreate: (policy) => validate(policy, undefined),
  validateUpdate: (policy, old) => [
    ...validateObjectMetaUpdate(policy.metadata, old.metadata),
    ...validate(policy, old),
  ],
  generationChanged: (policy, old) => !sameValue(policy.spec, old.spec),
});

function validate(policy: MutatingAdmissionPolicy, old: MutatingAdmissionPolicy | undefined): FieldError[] {
  const { metadata, spec } = policy;
  const options: ExpressionOptions = {
    hasParams: spec.paramKind !== undefined,
    hasAuthorizer: true,
    returns: [],
    ...(spec.variables?.length && { variables: newVariables() }),
  };
  const constraints = specPath.child('matchConstraints', 'resourceRules', 'operations');
  const errors = [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validatePolicyHead(spec, old?.spec),
    ...validateMutatingOperations(spec.matchConstraints?.resourceRules, constraints),
    ...validateVariables(spec, options),
  ];
  const mutations = spec.mutations ?? [];
  const path = specPath.child('mutations');
  if (mutations.length === 0) errors.push(required(path, 'mutations must contain at least one item'));
  for (const [index, mutation] of mutations.entries()) {
    errors.push(...validateMutation(mutation, options, path.index(index)));
  }
  const policies = ['IfNeeded', 'Never'];
  return [
    ...errors,
    ...requiredChoice(spec.reinvocationPolicy, policies, specPath.child('reinvocationPolicy')),
  ];
}

/** The field that goes with a patch type, and what its expression yields. */
const patchTypes = {
  ApplyConfiguration: { field: 'applyConfiguration', returns: ['Object'] },
  JSONPatch: { field: 'jsonPatch', returns: ['list(JSONPatch)'] },
} as const;

function validateMutation(mutation: Mutation, options: ExpressionOptions, path: Path): FieldError[] {
  const { patchType } = mutation;
  if (!patchType) return [required(path.child('patchType'))];
  if (patchType !== 'ApplyConfiguration' && patchType !== 'JSONPatch') {
    return [notSupported(path.child('patchType'), patchType, Object.keys(patchTypes))];
  }
  const errors: FieldError[] = [];
  for (const [type, { field, returns }] of Object.entries(patchTypes)) {
    const part = mutation[field];
    if (type !== patchType) {
      const detail = `must not be specified when patchType is ${patchType}`;
      if (part) errors.push(invalidValue(path.child(field), `{${field}}`, detail));
      continue;
    }
    if (!part) {
      errors.push(required(path.child(field), `must be specified when patchType is ${patchType}`));
      continue;
    }
    const expression = (part.expression ?? '').trim();
    const at = path.child(field, 'expression');
    if (expression === '') errors.push(required(at));
    else errors.push(...checkExpression(expression, at, { ...options, hasPatchTypes: true, returns }));
  }
  return errors;
}

export const mutatingAdmissionPolicyBindingRules = rules<MutatingAdmissionPolicyBinding>({
  namespaced: false,
  applyDefaults({ spec }) {
    defaultMatchResources(spec.matchResources);
  },
  validateCreate: validateBinding,
  validateUpdate: (binding, old) => [
    ...validateObjectMetaUpdate(binding.metadata, old.metadata),
    ...validateBinding(binding),
  ],
  generationChanged: (binding, old) => !sameValue(binding.spec, old.spec),
});

function validateBinding({ metadata, spec }: MutatingAdmissionPolicyBinding): FieldError[] {
  const path = specPath.child('matchResources', 'resourceRules', 'operations');
  return [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateBindingHead(spec),
    ...validateMutatingOperations(spec.matchResources?.resourceRules, path),
  ];
}
