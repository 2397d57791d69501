/** What validating and mutating admission policies and their bindings have in common (KEP-3488, KEP-3962). */
import type { MatchCondition, MatchResources, ParamKind, ParamRef, Variable } from '../../gen/types.ts';
import { matches, requiredChoice, requiredMatch } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { dns1035Label, dns1123Subdomain, pathSegment } from '../../validate/formats.ts';
import { validateLabelSelector } from '../../validate/labels.ts';
import { Path } from '../../validate/path.ts';
import { checkExpression, type ExpressionOptions, isCelIdentifier } from './expressions.ts';
import { validateMatchConditions } from './match-conditions.ts';
import { failurePolicies, validateMatchResources } from './match-rules.ts';

export const specPath = Path.of('spec');

interface PolicySpec {
  failurePolicy?: string;
  paramKind?: ParamKind;
  matchConstraints?: MatchResources;
  matchConditions?: MatchCondition[];
  variables?: Variable[];
}

/** What is before the validations or mutations themselves. */
export function validatePolicyHead(spec: PolicySpec, old: PolicySpec | undefined): FieldError[] {
  const { paramKind, matchConstraints, matchConditions = [] } = spec;
  const errors = requiredChoice(spec.failurePolicy, failurePolicies, specPath.child('failurePolicy'));
  if (paramKind) errors.push(...validateParamKind(paramKind, specPath.child('paramKind')));
  const path = specPath.child('matchConstraints');
  if (!matchConstraints) errors.push(required(path));
  else {
    errors.push(...validateMatchResources(matchConstraints, path));
    if (!matchConstraints.resourceRules?.length) errors.push(required(path.child('resourceRules')));
  }
  const isUnchanged =
    old && sameValue(paramKind, old.paramKind) && sameValue(spec.matchConditions, old.matchConditions);
  if (!isUnchanged) {
    const at = specPath.child('matchConditions');
    errors.push(...validateMatchConditions(matchConditions, at, paramKind !== undefined));
  }
  return errors;
}

/** Variables are known to what comes after them; `types` grows by those that compile. */
export function validateVariables(spec: PolicySpec, options: ExpressionOptions): FieldError[] {
  return (spec.variables ?? []).flatMap(({ name = '', expression = '' }, index) => {
    const at = specPath.child('variables').index(index);
    const errors: FieldError[] = [];
    if (name.trim() === '') errors.push(required(at.child('name'), 'name is not specified'));
    else if (!isCelIdentifier(name)) {
      errors.push(invalidValue(at.child('name'), name, 'name is not a valid CEL identifier'));
    }
    const path = at.child('expression');
    if (expression.trim() === '') return [...errors, required(path, 'expression is not specified')];
    return [
      ...errors,
      ...checkExpression(expression, path, { ...options, returns: ['any'], declares: name }),
    ];
  });
}

function validateParamKind({ apiVersion = '', kind = '' }: ParamKind, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const at = path.child('apiVersion');
  const parts = apiVersion === '/' ? [''] : apiVersion.split('/');
  const version = parts.at(-1) ?? '';
  const group = parts.length > 1 ? (parts[0] ?? '') : '';
  if (apiVersion === '') errors.push(required(at));
  else if (parts.length > 2) {
    errors.push(invalidValue(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  } else {
    const groupProblems = group ? dns1123Subdomain(group) : [];
    if (groupProblems.length > 0) errors.push(invalidValue(at, group, groupProblems.join(',')));
    const problems = version ? dns1035Label(version) : [];
    if (!version) errors.push(invalidValue(at, apiVersion, 'version must be specified'));
    else if (problems.length > 0) errors.push(invalidValue(at, version, problems.join(',')));
  }
  if (!kind) return [...errors, required(path.child('kind'))];
  const problems = dns1035Label(kind.toLowerCase());
  if (problems.length === 0) return errors;
  const detail = `may have mixed case, but should otherwise match: ${problems.join(',')}`;
  return [...errors, invalidValue(path.child('kind'), kind, detail)];
}

interface BindingSpec {
  policyName?: string;
  paramRef?: ParamRef;
  matchResources?: MatchResources;
}

export function validateBindingHead(spec: BindingSpec): FieldError[] {
  return [
    ...requiredMatch(dns1123Subdomain, spec.policyName, specPath.child('policyName')),
    ...(spec.paramRef ? validateParamRef(spec.paramRef, specPath.child('paramRef')) : []),
    ...(spec.matchResources
      ? validateMatchResources(spec.matchResources, specPath.child('matchResources'))
      : []),
  ];
}

function validateParamRef(ref: ParamRef, path: Path): FieldError[] {
  const { name, selector, parameterNotFoundAction: action } = ref;
  const errors: FieldError[] = [];
  const exclusive = 'name and selector are mutually exclusive';
  if (name) {
    errors.push(...matches(pathSegment, name, path.child('name')));
    if (selector) errors.push(fieldForbidden(path.child('name'), exclusive));
  }
  if (selector) {
    errors.push(...validateLabelSelector(selector, path.child('selector')));
    if (name) errors.push(fieldForbidden(path.child('selector'), exclusive));
  }
  if (!name && !selector) errors.push(required(path, 'one of name or selector must be specified'));
  const at = path.child('parameterNotFoundAction');
  if (!action) errors.push(required(at));
  else if (action !== 'Deny' && action !== 'Allow') errors.push(notSupported(at, action, ['Deny', 'Allow']));
  return errors;
}
