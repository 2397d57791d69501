import { KumulusError } from '../../errors.ts';
import type { LabelSelector, LabelSelectorRequirement } from '../gen/types.ts';
import { labelValue, qualifiedName } from '../validate/formats.ts';
import { parseRequirements } from './label-parser.ts';
import { type FieldError, fieldForbidden, invalidValue, required } from '../validate/field-error.ts';
import type { Path } from '../validate/path.ts';
import { quote } from '../validate/quote.ts';
import {
  formatRequirement,
  type Labels,
  meetsRequirement,
  newRequirement,
  type Operator,
  type Requirement,
} from './requirement.ts';

/** A parsed label selector: all requirements must hold. Immutable. */
export interface Selector {
  /** Sorted by key. Empty: everything matches, unless `nothing` is set. */
  readonly requirements: readonly Requirement[];
  /** What an absent LabelSelector object stands for: no object matches. */
  readonly nothing: boolean;
}

export const everything: Selector = { requirements: [], nothing: false };
export const nothing: Selector = { requirements: [], nothing: true };

/** @throws KumulusError BadRequest in kube-apiserver's words. */
export function parseLabelSelector(selector: string | undefined): Selector {
  return selector ? selectorOf(parseRequirements(selector)) : everything;
}

/** The selector that asks for exactly these labels; the labels are taken as valid. */
export function selectorFromLabels(labels: Labels | undefined): Selector {
  return selectorOf(
    Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] })),
  );
}

const operators: Readonly<Record<string, Operator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/**
 * The selector that a `metav1.LabelSelector` object stands for: absent selects nothing, empty selects everything.
 * @throws KumulusError BadRequest for an object that validation would not have let in.
 */
export function selectorFromObject(object: LabelSelector | undefined): Selector {
  if (!object) return nothing;
  const requirements = Object.entries(object.matchLabels ?? {}).map(([key, value]) =>
    newRequirement(key, '=', [value]),
  );
  for (const { key, operator, values } of object.matchExpressions ?? []) {
    const known = operators[operator];
    if (!known) {
      throw new KumulusError('BadRequest', `${quote(operator)} is not a valid label selector operator`);
    }
    requirements.push(newRequirement(key, known, values ?? []));
  }
  return selectorOf(requirements);
}

export function matchesLabels(selector: Selector, labels: Labels | undefined): boolean {
  if (selector.nothing) return false;
  for (const requirement of selector.requirements) {
    if (!meetsRequirement(requirement, labels)) return false;
  }
  return true;
}

/** Whether the selector leaves nothing out. */
export function selectsEverything(selector: Selector): boolean {
  return !selector.nothing && selector.requirements.length === 0;
}

/** The canonical form, which parses to the same selector. */
export function formatSelector(selector: Selector): string {
  return selector.requirements.map(formatRequirement).join(',');
}

/** The one value that `key` must have for an object to match, for a look-up in an index; undefined when there is none. */
export function exactLabel(selector: Selector, key: string): string | undefined {
  const requirement = selector.requirements.find((candidate) => candidate.key === key);
  if (!requirement || requirement.values.length !== 1) return undefined;
  return ['=', '==', 'in'].includes(requirement.operator) ? requirement.values[0] : undefined;
}

/** Every rule that a LabelSelector object in a spec breaks; `path` is the field it stands in. */
export function validateLabelSelector(object: LabelSelector | undefined, path: Path): FieldError[] {
  const errors = validateLabels(object?.matchLabels, path.child('matchLabels'));
  object?.matchExpressions?.forEach((expression, index) => {
    errors.push(...validateExpression(expression, path.child('matchExpressions').index(index)));
  });
  return errors;
}

/** Every rule that the keys and values of a map of labels break. */
export function validateLabels(labels: Labels | undefined, path: Path): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedName(key).map((detail) => invalidValue(path, key, detail)),
    ...labelValue(value).map((detail) => invalidValue(path, value, detail)),
  ]);
}

function validateExpression(expression: LabelSelectorRequirement, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const { key, operator, values = [] } = expression;
  const valuesPath = path.child('values');
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
    errors.push(required(valuesPath, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
    errors.push(
      fieldForbidden(valuesPath, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
    );
  } else if (!operators[operator]) {
    errors.push(invalidValue(path.child('operator'), operator, 'not a valid selector operator'));
  }
  errors.push(...qualifiedName(key).map((detail) => invalidValue(path.child('key'), key, detail)));
  values.forEach((value, index) => {
    errors.push(...labelValue(value).map((detail) => invalidValue(valuesPath.index(index), value, detail)));
  });
  return errors;
}

function selectorOf(requirements: readonly Requirement[]): Selector {
  const byKey = (a: Requirement, b: Requirement) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  return { requirements: requirements.toSorted(byKey), nothing: false };
}
