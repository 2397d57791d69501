/** Which requests a webhook or a policy is for. */
import type { MatchResources, NamedRuleWithOperations, RuleWithOperations } from '../../gen/types.ts';
import { matches, optionalChoice, requiredChoice } from '../../validate/check.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { pathSegment } from '../../validate/formats.ts';
import { validateLabelSelector } from '../../validate/labels.ts';
import type { Path } from '../../validate/path.ts';

export const matchPolicies = ['Equivalent', 'Exact'];
export const failurePolicies = ['Fail', 'Ignore'];
const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

export function defaultRules(rules: readonly RuleWithOperations[] = []): void {
  for (const rule of rules) rule.scope ??= '*';
}

export function defaultMatchResources(match: MatchResources | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  defaultRules(match.resourceRules);
  defaultRules(match.excludeResourceRules);
}

export function validateMatchResources(match: MatchResources, path: Path): FieldError[] {
  const errors = requiredChoice(match.matchPolicy, matchPolicies, path.child('matchPolicy'));
  for (const field of ['namespaceSelector', 'objectSelector'] as const) {
    const selector = match[field];
    errors.push(
      ...(selector ? validateLabelSelector(selector, path.child(field)) : [required(path.child(field))]),
    );
  }
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [index, rule] of (match[field] ?? []).entries()) {
      errors.push(...validateNamedRule(rule, path.child(field).index(index)));
    }
  }
  return errors;
}

function validateNamedRule(rule: NamedRuleWithOperations, path: Path): FieldError[] {
  const names = rule.resourceNames ?? [];
  const errors = names.flatMap((name, index) => {
    const at = path.child('resourceNames').index(index);
    const isRepeated = names.indexOf(name) < index;
    return [...matches(pathSegment, name, at), ...(isRepeated ? [duplicate(at, name)] : [])];
  });
  return [...errors, ...validateRule(rule, path)];
}

export function validateRule(rule: RuleWithOperations, path: Path): FieldError[] {
  const { operations: verbs = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const errors: FieldError[] = [];
  const list = (values: readonly string[], field: string, noun: string) => {
    const at = path.child(field);
    if (values.length === 0) errors.push(required(at));
    if (values.length > 1 && values.includes('*')) {
      errors.push(invalidValue(at, values, `if '*' is present, must not specify other ${noun}`));
    }
  };
  list(verbs, 'operations', 'operations');
  for (const [index, verb] of verbs.entries()) {
    errors.push(...optionalChoice(verb, operations, path.child('operations').index(index)));
  }
  list(apiGroups, 'apiGroups', 'API groups');
  list(apiVersions, 'apiVersions', 'API versions');
  for (const [index, version] of apiVersions.entries()) {
    if (version === '') errors.push(required(path.child('apiVersions').index(index)));
  }
  errors.push(...validateResources(resources, path.child('resources')));
  return [...errors, ...optionalChoice(scope, ['*', 'Cluster', 'Namespaced'], path.child('scope'))];
}

/** `pods`, `pods/status`, `pods/*`, a name or `*` on either side; none that another one covers. */
function validateResources(resources: readonly string[], path: Path): FieldError[] {
  if (resources.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  const allSubresourcesOf = new Set<string>();
  const ofAllResources = new Set<string>();
  // As upstream has it, the last name without a subresource decides.
  let namesPlainResource = false;
  for (const [index, text] of resources.entries()) {
    const at = path.index(index);
    if (text === '') {
      errors.push(required(at));
      continue;
    }
    const slash = text.indexOf('/');
    if (slash < 0) {
      namesPlainResource = text !== '*';
      continue;
    }
    const resource = text.slice(0, slash);
    const subresource = text.slice(slash + 1);
    const covered = (by: string) => `if '${by}' is present, must not specify ${text}`;
    if (allSubresourcesOf.has(resource)) errors.push(invalidValue(at, text, covered(`${resource}/*`)));
    if (ofAllResources.has(subresource)) errors.push(invalidValue(at, text, covered(`*/${subresource}`)));
    if (subresource === '*') allSubresourcesOf.add(resource);
    if (resource === '*') ofAllResources.add(subresource);
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(invalidValue(path, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes('*') && namesPlainResource) {
    const detail = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalidValue(path, resources, detail));
  }
  return errors;
}

/** Policies that change objects are for what is being written alone. */
export function validateMutatingOperations(
  rules: readonly NamedRuleWithOperations[] = [],
  path: Path,
): FieldError[] {
  const allowed = ['*', 'CONNECT', 'CREATE', 'UPDATE'];
  return rules.flatMap(({ operations: verbs = [] }) =>
    verbs.filter((verb) => !allowed.includes(verb)).map((verb) => notSupported(path, verb, allowed)),
  );
}
