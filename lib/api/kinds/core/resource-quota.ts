import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import {
  immutableMessage,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import {
  isQuotaResource,
  type ResourceList,
  validateQuotaResourceName,
  validateResourceAmount,
} from '../../validate/resources.ts';
import { pendingOf, withPending } from '../../quota/pending.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';

const specPath = Path.of('spec');
const statusPath = Path.of('status');

export const resourceQuotaRules = rules<ResourceQuota>({
  namespaced: true,
  allowUnconditionalUpdate: true,
  applyDefaults() {},

  prepareForCreate(quota) {
    quota.status = {};
  },

  validateCreate: (quota) => [
    ...validateObjectMeta(quota.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateSpec(quota.spec),
    ...validateStatus(quota),
  ],

  prepareForUpdate(quota, old) {
    keepStatus(quota, old);
    // What is being charged is no business of clients.
    const annotations = withPending(quota.metadata.annotations, pendingOf(old));
    if (annotations) quota.metadata.annotations = annotations;
    else delete quota.metadata.annotations;
  },

  validateUpdate(quota, old) {
    const errors = [...validateObjectMetaUpdate(quota.metadata, old.metadata), ...validateSpec(quota.spec)];
    const scopes = new Set(quota.spec.scopes);
    if (scopes.symmetricDifference(new Set(old.spec.scopes)).size === 0) return errors;
    return [...errors, invalidValue(specPath.child('scopes'), quota.spec.scopes ?? null, immutableMessage)];
  },

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate: (quota, old) => [
    ...validateObjectMetaUpdate(quota.metadata, old.metadata),
    ...(quota.metadata.resourceVersion ? [] : [required(Path.of('resourceVersion'))]),
    ...validateStatus(quota),
  ],
});

function validateSpec(spec: ResourceQuotaSpec): FieldError[] {
  return [
    ...validateAmounts(spec.hard, specPath.child('hard')),
    ...validateScopes(spec),
    ...validateSelector(spec),
  ];
}

function validateStatus({ status }: ResourceQuota): FieldError[] {
  return [
    ...validateAmounts(status?.hard, statusPath.child('hard')),
    ...validateAmounts(status?.used, statusPath.child('used')),
  ];
}

function validateAmounts(amounts: ResourceList | undefined, path: Path): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, amount]) => {
    const at = path.key(name);
    return [...validateQuotaResourceName(name, at), ...validateResourceAmount(name, amount, at)];
  });
}

const podCounts = ['pods'];
const podAmounts = [
  ...podCounts,
  'cpu',
  'memory',
  'limits.cpu',
  'limits.memory',
  'requests.cpu',
  'requests.memory',
];
const claimAmounts = ['persistentvolumeclaims', 'requests.storage'];

/** The resources that each scope can be about. */
const resourcesOfScope: ReadonlyMap<string, readonly string[]> = new Map([
  ['Terminating', podAmounts],
  ['NotTerminating', podAmounts],
  ['BestEffort', podCounts],
  ['NotBestEffort', podAmounts],
  ['PriorityClass', podAmounts],
  ['CrossNamespacePodAffinity', podAmounts],
  ['VolumeAttributesClass', claimAmounts],
]);
const conflicting = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
];

/** How many of the resources the scope cannot be about. */
function misplaced(scope: string, { hard = {} }: ResourceQuotaSpec): string[] {
  const allowed = resourcesOfScope.get(scope);
  if (!allowed) return [];
  return Object.keys(hard).filter((name) => isQuotaResource(name) && !allowed.includes(name));
}

function validateScopes(spec: ResourceQuotaSpec): FieldError[] {
  const { scopes = [] } = spec;
  const path = specPath.child('scopes');
  const errors: FieldError[] = [];
  for (const scope of scopes) {
    if (!resourcesOfScope.has(scope)) errors.push(invalidValue(path, scopes, 'unsupported scope'));
    for (const _ of misplaced(scope, spec)) {
      errors.push(invalidValue(path, scopes, 'unsupported scope applied to resource'));
    }
  }
  return [...errors, ...validatePairs(scopes, scopes, path)];
}

function validatePairs(found: readonly string[], shown: readonly string[] | null, path: Path): FieldError[] {
  return conflicting
    .filter((pair) => pair.every((scope) => found.includes(scope)))
    .map(() => invalidValue(path, shown, 'conflicting scopes'));
}

function validateSelector(spec: ResourceQuotaSpec): FieldError[] {
  const { scopeSelector } = spec;
  if (!scopeSelector) return [];
  const path = specPath.child('scopeSelector', 'matchExpressions');
  const requirements = scopeSelector.matchExpressions ?? [];
  const errors = requirements.flatMap((requirement) => {
    const { scopeName } = requirement;
    const found = resourcesOfScope.has(scopeName)
      ? []
      : [invalidValue(path.child('scopeName'), scopeName, 'unsupported scope')];
    for (const _ of misplaced(scopeName, spec)) {
      found.push(invalidValue(path, scopeSelector, 'unsupported scope applied to resource'));
    }
    return [...found, ...validateOperator(requirement, path)];
  });
  const names = requirements.map(({ scopeName }) => scopeName);
  return [...errors, ...validatePairs(names, spec.scopes ?? null, path)];
}

const existingOnly = new Set([
  'BestEffort',
  'NotBestEffort',
  'Terminating',
  'NotTerminating',
  'CrossNamespacePodAffinity',
]);

function validateOperator(requirement: ScopedResourceSelectorRequirement, path: Path): FieldError[] {
  const { scopeName, operator, values = [] } = requirement;
  const errors: FieldError[] = [];
  if (existingOnly.has(scopeName) && operator !== 'Exists') {
    const detail =
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    errors.push(invalidValue(path.child('operator'), operator, detail));
  }
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) {
        const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
        errors.push(required(path.child('values'), detail));
      }
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
        errors.push(invalidValue(path.child('values'), values, detail));
      }
      break;
    default:
      errors.push(invalidValue(path.child('operator'), operator, 'not a valid selector operator'));
  }
  return errors;
}
