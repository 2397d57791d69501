import type {
  AuditAnnotation,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
} from '../../gen/types.ts';
import { filled, matches, optionalChoice } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { nameIsSubdomain, qualifiedName } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { keepStatus, rules } from '../rules.ts';
import { keepSpecAndMetadata, specAndMetadata } from '../status-metadata.ts';
import { validateConditions } from '../../validate/conditions.ts';
import { checkExpression, type ExpressionOptions, loadExpressions, newVariables } from './expressions.ts';
import { defaultMatchResources } from './match-rules.ts';
import { specPath, validateBindingHead, validatePolicyHead, validateVariables } from './policy.ts';

const maxAuditAnnotations = 20;
/** Less than the value may have, which is often longer than what makes it. */
const maxValueExpressionBytes = 5 * 1024;
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const actions = ['Audit', 'Deny', 'Warn'];

export const validatingAdmissionPolicyRules = rules<ValidatingAdmissionPolicy>({
  namespaced: false,
  load: loadExpressions,

  applyDefaults({ spec }) {
    spec.failurePolicy ??= 'Fail';
    defaultMatchResources(spec.matchConstraints);
  },

  prepareForCreate(policy) {
    policy.status = {};
  },

  prepareForUpdate: keepStatus,
  validateCreate: (policy) => validate(policy, undefined),
  validateUpdate: (policy, old) => [
    ...validateObjectMetaUpdate(policy.metadata, old.metadata),
    ...validate(policy, old),
  ],
  prepareForStatusUpdate: keepSpecAndMetadata,
  statusResets: specAndMetadata,
  validateStatusUpdate: (policy, old) => [
    ...validateObjectMetaUpdate(policy.metadata, old.metadata),
    ...validateStatus(policy),
  ],
  generationChanged: (policy, old) => !sameValue(policy.spec, old.spec),
});

function validate(
  policy: ValidatingAdmissionPolicy,
  old: ValidatingAdmissionPolicy | undefined,
): FieldError[] {
  const { metadata, spec } = policy;
  const { validations = [], auditAnnotations = [] } = spec;
  const options: ExpressionOptions = {
    hasParams: spec.paramKind !== undefined,
    hasAuthorizer: true,
    returns: [],
    ...(spec.variables?.length && { variables: newVariables() }),
  };
  const errors = [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validatePolicyHead(spec, old?.spec),
    ...validateVariables(spec, options),
  ];
  const annotationsPath = specPath.child('auditAnnotations');
  if (validations.length + auditAnnotations.length === 0) {
    const detail = 'validations or auditAnnotations must contain at least one item';
    return [...errors, required(specPath.child('validations'), detail), required(annotationsPath, detail)];
  }
  for (const [index, validation] of validations.entries()) {
    errors.push(...validateValidation(validation, options, specPath.child('validations').index(index)));
  }
  if (auditAnnotations.length > maxAuditAnnotations) {
    const detail = `must not have more than ${maxAuditAnnotations} auditAnnotations`;
    errors.push(invalidValue(annotationsPath, auditAnnotations, detail));
  }
  const keys = auditAnnotations.map(({ key }) => key);
  for (const [index, annotation] of auditAnnotations.entries()) {
    const at = annotationsPath.index(index);
    errors.push(...validateAuditAnnotation(metadata.name ?? '', annotation, options, at));
    if (keys.indexOf(annotation.key) < index) errors.push(duplicate(at.child('key'), annotation.key));
  }
  return errors;
}

function validateValidation(validation: Validation, options: ExpressionOptions, path: Path): FieldError[] {
  const { expression = '', message = '', messageExpression = '', reason } = validation;
  const errors =
    expression.trim() === ''
      ? [required(path.child('expression'), 'expression is not specified')]
      : checkExpression(expression, path.child('expression'), { ...options, returns: ['bool'] });
  const messagePath = path.child('messageExpression');
  if (messageExpression.trim() !== '') {
    const own = { ...options, hasAuthorizer: false, returns: ['string'] };
    errors.push(...checkExpression(messageExpression, messagePath, own));
  } else if (messageExpression !== '') {
    errors.push(invalidValue(messagePath, messageExpression, 'must be non-empty if specified'));
  }
  const refuse = (detail: string) => errors.push(invalidValue(path.child('message'), message, detail));
  if (message !== '' && message.trim() === '') refuse('message must be non-empty if specified');
  else if (/[\n\r]/.test(message.trim())) refuse('message must not contain line breaks');
  return [...errors, ...optionalChoice(reason, reasons, path.child('reason'))];
}

function validateAuditAnnotation(
  policyName: string,
  { key = '', valueExpression = '' }: AuditAnnotation,
  options: ExpressionOptions,
  path: Path,
): FieldError[] {
  const keyPath = path.child('key');
  const errors =
    policyName === ''
      ? [invalidValue(keyPath, key, 'requires metadata.name be non-empty')]
      : matches(qualifiedName, `${policyName}/${key}`, keyPath);
  const trimmed = valueExpression.trim();
  const at = path.child('valueExpression');
  if (trimmed === '') return [...errors, required(at, 'valueExpression is not specified')];
  if (Buffer.byteLength(trimmed) > maxValueExpressionBytes) {
    return [...errors, required(at, `must not exceed ${maxValueExpressionBytes} bytes in length`)];
  }
  const own = { ...options, returns: ['string', 'null_type'] };
  return [...errors, ...checkExpression(trimmed, at, own, valueExpression)];
}

function validateStatus({ status }: ValidatingAdmissionPolicy): FieldError[] {
  const path = Path.of('status', 'typeChecking', 'expressionWarnings');
  const warnings = status?.typeChecking?.expressionWarnings ?? [];
  return [
    ...warnings.flatMap(({ fieldRef, warning }, index) => [
      ...filled(warning, path.index(index).child('warning')),
      ...filled(fieldRef?.trim(), path.index(index).child('fieldRef')),
    ]),
    ...validateConditions(status?.conditions ?? [], Path.of('status', 'conditions')),
  ];
}

export const validatingAdmissionPolicyBindingRules = rules<ValidatingAdmissionPolicyBinding>({
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

function validateBinding({ metadata, spec }: ValidatingAdmissionPolicyBinding): FieldError[] {
  const errors = [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateBindingHead(spec),
  ];
  const chosen = spec.validationActions ?? [];
  const path = specPath.child('validationActions');
  for (const [index, action] of chosen.entries()) {
    if (!actions.includes(action)) errors.push(notSupported(path.index(index), action, actions));
    if (chosen.indexOf(action) < index) errors.push(duplicate(path.index(index), action));
  }
  if (chosen.includes('Deny') && chosen.includes('Warn')) {
    const detail =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.push(invalidValue(path, chosen, detail));
  }
  if (chosen.length === 0) errors.push(required(path, 'at least one validation action is required'));
  return errors;
}
