import type {
  FlowcontrolV1Subject,
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from '../../gen/types.ts';
import { filled, matches, requiredMatch } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { dns1123Label, dns1123Subdomain, nameIsSubdomain } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { own } from '../../validate/own.ts';
import { Path } from '../../validate/path.ts';
import { keepStatus, rules } from '../rules.ts';
import { keepSpecAndMetadata, specAndMetadata } from '../status-metadata.ts';
import { validateConditionTypes } from './conditions.ts';
import { mandatoryFlowSchemas } from './mandatory.ts';

const maxPrecedence = 10_000;
const specPath = Path.of('spec');
const knownVerbs = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'proxy',
  'update',
  'watch',
];

export const flowSchemaRules = rules<FlowSchema>({
  namespaced: false,

  applyDefaults({ spec }) {
    spec.matchingPrecedence ||= 1000;
  },

  prepareForCreate(schema) {
    schema.status = {};
  },

  prepareForUpdate: keepStatus,
  validateCreate: validate,
  validateUpdate: (schema, old) => [
    ...validateObjectMetaUpdate(schema.metadata, old.metadata),
    ...validate(schema),
  ],
  prepareForStatusUpdate: keepSpecAndMetadata,
  statusResets: specAndMetadata,
  validateStatusUpdate: (schema, old) => [
    ...validateObjectMetaUpdate(schema.metadata, old.metadata),
    ...validateConditionTypes(schema.status?.conditions),
  ],
  generationChanged: (schema, old) => !sameValue(schema.spec, old.spec),
});

function validate({ metadata, spec, status }: FlowSchema): FieldError[] {
  const name = metadata.name ?? '';
  const fixed = own(mandatoryFlowSchemas, name);
  const errors = [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateSpec(name, spec),
  ];
  if (fixed && !sameValue(spec, fixed)) {
    errors.push(invalidValue(specPath, spec, `spec of '${name}' must equal the fixed value`));
  }
  return [...errors, ...validateConditionTypes(status?.conditions)];
}

function validateSpec(name: string, spec: FlowSchemaSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration } = spec;
  const at = specPath.child('matchingPrecedence');
  const refuse = (detail: string) => errors.push(invalidValue(at, matchingPrecedence, detail));
  if (matchingPrecedence <= 0) refuse('must be a positive value');
  if (matchingPrecedence > maxPrecedence) refuse(`must not be greater than ${maxPrecedence}`);
  if (matchingPrecedence === 1 && name !== 'exempt') {
    refuse("only the schema named 'exempt' may have matchingPrecedence 1");
  }
  const methods = ['ByNamespace', 'ByUser'];
  if (distinguisherMethod && !methods.includes(distinguisherMethod.type)) {
    const path = specPath.child('distinguisherMethod', 'type');
    errors.push(notSupported(path, distinguisherMethod, methods));
  }
  const levelPath = specPath.child('priorityLevelConfiguration', 'name');
  if (priorityLevelConfiguration?.name) {
    errors.push(...matches(dns1123Subdomain, priorityLevelConfiguration.name, levelPath));
  } else errors.push(required(levelPath, 'must reference a priority level'));
  for (const [index, rule] of (spec.rules ?? []).entries()) {
    errors.push(...validateRule(rule, specPath.child('rules').index(index)));
  }
  return errors;
}

function validateRule(rule: PolicyRulesWithSubjects, path: Path): FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  const errors = subjects.flatMap((subject, index) =>
    validateSubject(subject, path.child('subjects').index(index)),
  );
  if (subjects.length === 0) {
    errors.push(required(path.child('subjects'), 'subjects must contain at least one value'));
  }
  if (resourceRules.length + nonResourceRules.length === 0) {
    const detail = 'at least one of resourceRules and nonResourceRules has to be non-empty';
    errors.push(required(path, detail));
  }
  for (const [index, one] of resourceRules.entries()) {
    errors.push(...validateResourceRule(one, path.child('resourceRules').index(index)));
  }
  for (const [index, one] of nonResourceRules.entries()) {
    errors.push(...validateNonResourceRule(one, path.child('nonResourceRules').index(index)));
  }
  return errors;
}

/** The field that a kind of subject needs; the two others are forbidden. */
const subjectFields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const;

function validateSubject(subject: FlowcontrolV1Subject, path: Path): FieldError[] {
  const { kind } = subject;
  if (kind !== 'ServiceAccount' && kind !== 'User' && kind !== 'Group') {
    return [notSupported(path.child('kind'), kind, ['Group', 'ServiceAccount', 'User'])];
  }
  const field = subjectFields[kind];
  const at = path.child(field);
  const errors: FieldError[] = [];
  const wanted = subject[field];
  if (!wanted) errors.push(required(at, `${field} is required when subject kind is '${kind}'`));
  else if (kind !== 'ServiceAccount' || wanted.name !== '*') {
    errors.push(
      ...(kind === 'ServiceAccount'
        ? requiredMatch(dns1123Subdomain, wanted.name, at.child('name'))
        : filled(wanted.name, at.child('name'))),
    );
  }
  if (kind === 'ServiceAccount' && subject.serviceAccount) {
    const { namespace } = subject.serviceAccount;
    const namespacePath = at.child('namespace');
    if (namespace) errors.push(...matches(dns1123Label, namespace, namespacePath));
    else errors.push(required(namespacePath, 'must specify namespace for service account'));
  }
  const others =
    kind === 'ServiceAccount' ? ['User', 'Group'] : ['ServiceAccount', kind === 'User' ? 'Group' : 'User'];
  for (const other of others as (keyof typeof subjectFields)[]) {
    const otherField = subjectFields[other];
    if (!subject[otherField]) continue;
    const detail = `${otherField} is forbidden when subject kind is not '${other}'`;
    errors.push(fieldForbidden(path.child(otherField), detail));
  }
  return errors;
}

function validateVerbs(verbs: readonly string[] = [], path: Path): FieldError[] {
  if (verbs.length === 0) return [required(path, 'verbs must contain at least one value')];
  if (verbs.includes('*')) return onlyWildcard(verbs, 'verbs', path);
  return verbs.every((verb) => knownVerbs.includes(verb)) ? [] : [notSupported(path, verbs, knownVerbs)];
}

function onlyWildcard(values: readonly string[], noun: string, path: Path): FieldError[] {
  if (values.length <= 1 || !values.includes('*')) return [];
  return [invalidValue(path, values, `if '*' is present, must not specify other ${noun}`)];
}

function validateResourceRule(rule: ResourcePolicyRule, path: Path): FieldError[] {
  const { verbs, apiGroups = [], resources = [], namespaces = [], clusterScope } = rule;
  const errors = validateVerbs(verbs, path.child('verbs'));
  for (const [field, values, one, noun] of [
    ['apiGroups', apiGroups, 'api group', 'api groups'],
    ['resources', resources, 'resource', 'resources'],
  ] as const) {
    const at = path.child(field);
    if (values.length === 0) errors.push(required(at, `resource rules must supply at least one ${one}`));
    else errors.push(...onlyWildcard(values, noun, at));
  }
  const at = path.child('namespaces');
  if (namespaces.length === 0) {
    if (!clusterScope) {
      const detail = 'resource rules that are not cluster scoped must supply at least one namespace';
      errors.push(required(at, detail));
    }
  } else if (namespaces.includes('*')) errors.push(...onlyWildcard(namespaces, 'namespaces', at));
  else {
    const rule = "each member of this list must be '*' or a DNS-1123 label; ";
    for (const [index, namespace] of namespaces.entries()) {
      for (const message of dns1123Label(namespace)) {
        errors.push(invalidValue(at.index(index), namespace, rule + message));
      }
    }
  }
  return errors;
}

function validateNonResourceRule(rule: NonResourcePolicyRule, path: Path): FieldError[] {
  const { verbs, nonResourceURLs: urls = [] } = rule;
  const errors = validateVerbs(verbs, path.child('verbs'));
  const at = path.child('nonResourceURLs');
  if (urls.length === 0) errors.push(required(at, 'nonResourceURLs must contain at least one value'));
  else if (urls.includes('*')) errors.push(...onlyWildcard(urls, 'non-resource URLs', at));
  else {
    for (const [index, url] of urls.entries()) {
      const problem = urlProblem(url);
      if (problem) errors.push(invalidValue(at.index(index), url, problem));
    }
  }
  return errors;
}

/** A path, or the start of one followed by `/*`. */
function urlProblem(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const first = url.indexOf('*');
  if (first >= 0 && (first !== url.length - 1 || !url.endsWith('/*'))) {
    return 'wildcard can only do suffix matching';
  }
  return undefined;
}
