import type {
  Affinity,
  LabelSelector,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  TopologySpreadConstraint,
} from '../../../gen/types.ts';
import { filled, matches, optionalChoice, positive } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import {
  duplicate,
  fieldForbidden,
  invalidValue,
  notSupported,
  required,
} from '../../../validate/field-error.ts';
import { dns1123Label, dns1123Subdomain, labelValue } from '../../../validate/formats.ts';
import { validateLabelName, validateLabelSelector } from '../../../validate/labels.ts';
import type { Path } from '../../../validate/path.ts';

const requiredField = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferredField = 'preferredDuringSchedulingIgnoredDuringExecution';

export function validateAffinity(affinity: Affinity | undefined, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity ?? {};
  if (nodeAffinity) {
    const at = path.child('nodeAffinity');
    const { [requiredField]: needed, [preferredField]: preferred = [] } = nodeAffinity;
    if (needed) errors.push(...validateNodeSelector(needed, at.child(requiredField)));
    for (const [index, { weight, preference }] of preferred.entries()) {
      const termPath = at.child(preferredField).index(index);
      errors.push(...validateWeight(weight, termPath));
      errors.push(...validateNodeTerm(preference, false, termPath.child('preference')));
    }
  }
  if (podAffinity) errors.push(...validatePodAffinity(podAffinity, path.child('podAffinity')));
  if (podAntiAffinity) errors.push(...validatePodAffinity(podAntiAffinity, path.child('podAntiAffinity')));
  return errors;
}

function validateWeight(weight: number, path: Path): FieldError[] {
  if (weight > 0 && weight <= 100) return [];
  return [invalidValue(path.child('weight'), weight, 'must be in the range 1-100')];
}

export function validateNodeSelector(
  { nodeSelectorTerms: terms = [] }: NodeSelector,
  path: Path,
): FieldError[] {
  const at = path.child('nodeSelectorTerms');
  if (terms.length === 0) return [required(at, 'must have at least one node selector term')];
  return terms.flatMap((term, index) => validateNodeTerm(term, true, at.index(index)));
}

function validateNodeTerm(term: NodeSelectorTerm, strict: boolean, path: Path): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((requirement, index) =>
      validateNodeRequirement(requirement, strict, path.child('matchExpressions').index(index)),
    ),
    ...(term.matchFields ?? []).flatMap((requirement, index) =>
      validateFieldRequirement(requirement, path.child('matchFields').index(index)),
    ),
  ];
}

function validateNodeRequirement(
  requirement: NodeSelectorRequirement,
  strict: boolean,
  path: Path,
): FieldError[] {
  const { key, operator, values = [] } = requirement;
  const errors: FieldError[] = [];
  const at = path.child('values');
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) {
        errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.push(fieldForbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        errors.push(required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      }
      break;
    default:
      errors.push(invalidValue(path.child('operator'), operator, 'not a valid selector operator'));
  }
  errors.push(...validateLabelName(key, path.child('key')));
  if (!strict) return errors;
  return [...errors, ...values.flatMap((value, index) => matches(labelValue, value, at.index(index)))];
}

function validateFieldRequirement(
  { key, operator, values = [] }: NodeSelectorRequirement,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const at = path.child('values');
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(invalidValue(path.child('operator'), operator, 'not a valid selector operator'));
  } else if (values.length !== 1) {
    errors.push(
      required(at, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
    );
  }
  if (key !== 'metadata.name') {
    return [...errors, invalidValue(path.child('key'), key, 'not a valid field selector key')];
  }
  return [...errors, ...values.flatMap((value, index) => matches(dns1123Subdomain, value, at.index(index)))];
}

function validatePodAffinity(affinity: PodAffinity, path: Path): FieldError[] {
  return [
    ...(affinity[requiredField] ?? []).flatMap((term, index) =>
      validatePodTerm(term, path.child(requiredField).index(index)),
    ),
    ...(affinity[preferredField] ?? []).flatMap(({ weight, podAffinityTerm }, index) => {
      const at = path.child(preferredField).index(index);
      return [
        ...validateWeight(weight, at),
        ...validatePodTerm(podAffinityTerm, at.child('podAffinityTerm')),
      ];
    }),
  ];
}

function validatePodTerm(term: PodAffinityTerm, path: Path): FieldError[] {
  return [
    ...validateLabelSelector(term.labelSelector, path.child('labelSelector')),
    ...validateLabelSelector(term.namespaceSelector, path.child('namespaceSelector')),
    ...(term.namespaces ?? []).flatMap((name) => matches(dns1123Label, name, path.child('namespace'))),
    ...validateLabelKeys(term, path),
    ...filled(term.topologyKey, path.child('topologyKey'), 'can not be empty'),
    ...validateLabelName(term.topologyKey, path.child('topologyKey')),
  ];
}

interface LabelKeys {
  labelSelector?: LabelSelector;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
}

/** Keys whose values come from the pod itself (KEP-3633, KEP-3243). */
function validateLabelKeys(term: LabelKeys, path: Path): FieldError[] {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  const errors: FieldError[] = [];
  for (const [field, keys] of Object.entries({ matchLabelKeys, mismatchLabelKeys })) {
    if (keys.length === 0) continue;
    const at = path.child(field);
    if (!labelSelector)
      errors.push(fieldForbidden(at, 'must not be specified when labelSelector is not set'));
    else errors.push(...keys.flatMap((key, index) => validateLabelName(key, at.index(index))));
  }
  const selected = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const index = matchLabelKeys.lastIndexOf(key);
    if (index >= 0 && selected.has(key)) {
      errors.push(invalidValue(path.index(index), key, 'exists in both matchLabelKeys and labelSelector'));
    }
    selected.add(key);
  }
  for (const [index, key] of matchLabelKeys.entries()) {
    if (!mismatchLabelKeys.includes(key)) continue;
    const detail = 'exists in both matchLabelKeys and mismatchLabelKeys';
    errors.push(invalidValue(path.child('matchLabelKeys').index(index), key, detail));
  }
  return errors;
}

const inclusionPolicies = ['Honor', 'Ignore'];

export function validateSpreadConstraints(
  constraints: readonly TopologySpreadConstraint[],
  path: Path,
): FieldError[] {
  return constraints.flatMap((constraint, index) => {
    const at = path.index(index);
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint;
    const errors = [
      ...positive(maxSkew, at.child('maxSkew')),
      ...filled(topologyKey, at.child('topologyKey'), 'can not be empty'),
    ];
    if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway') {
      const supported = ['DoNotSchedule', 'ScheduleAnyway'];
      errors.push(notSupported(at.child('whenUnsatisfiable'), whenUnsatisfiable, supported));
    }
    const isRepeated = constraints
      .slice(index + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    if (isRepeated) {
      const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
      errors.push(duplicate(at.child('{topologyKey, whenUnsatisfiable}'), pair));
    }
    if (minDomains !== undefined) {
      errors.push(...positive(minDomains, at.child('minDomains')));
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        errors.push(invalidValue(at.child('minDomains'), minDomains, detail));
      }
    }
    return [
      ...errors,
      ...optionalChoice(constraint.nodeAffinityPolicy, inclusionPolicies, at.child('nodeAffinityPolicy')),
      ...optionalChoice(constraint.nodeTaintsPolicy, inclusionPolicies, at.child('nodeTaintsPolicy')),
      ...validateLabelKeys(constraint, at),
      ...validateLabelSelector(constraint.labelSelector, at.child('labelSelector')),
    ];
  });
}
