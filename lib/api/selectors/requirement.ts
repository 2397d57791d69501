import { KumulusError } from '../../errors.ts';
import { labelValue, qualifiedName } from '../validate/formats.ts';
import { quote } from '../validate/quote.ts';

/** `exists` and `!` take no value, `=`, `==`, `!=`, `gt` and `lt` one, `in` and `notin` at least one. */
export type Operator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | 'gt' | 'lt';

/** One condition on the labels of an object. Made by `newRequirement`, so always valid. */
export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** @throws KumulusError BadRequest with every rule that is broken. */
export function newRequirement(key: string, operator: Operator, values: readonly string[]): Requirement {
  const problems: string[] = [];
  const invalid = (field: string, value: string, detail: string) =>
    problems.push(`${field}: Invalid value: ${value}: ${detail}`);
  const keyErrors = qualifiedName(key);
  if (keyErrors.length > 0) invalid('key', quote(key), keyErrors.join('; '));
  const countRule = brokenCountRule(operator, values.length);
  if (countRule) invalid('values', JSON.stringify(values), countRule);
  if (operator === 'gt' || operator === 'lt') {
    values.forEach((value, index) => {
      if (parseInt64(value) === undefined) {
        invalid(`values[${index}]`, quote(value), "for 'Gt', 'Lt' operators, the value must be an integer");
      }
    });
  }
  values.forEach((value, index) => {
    const errors = labelValue(value);
    if (errors.length > 0) invalid(`values[${index}][${key}]`, quote(value), errors.join('; '));
  });
  if (problems.length === 0) return { key, operator, values };
  const distinct = [...new Set(problems)];
  throw new KumulusError('BadRequest', distinct.length > 1 ? `[${distinct.join(', ')}]` : distinct.join());
}

function brokenCountRule(operator: Operator, count: number): string | undefined {
  switch (operator) {
    case 'in':
    case 'notin':
      return count === 0 ? "for 'in', 'notin' operators, values set can't be empty" : undefined;
    case '=':
    case '==':
    case '!=':
      return count === 1 ? undefined : 'exact-match compatibility requires one single value';
    case 'exists':
    case '!':
      return count === 0 ? undefined : 'values set must be empty for exists and does not exist';
    case 'gt':
    case 'lt':
      return count === 1 ? undefined : "for 'Gt', 'Lt' operators, exactly one value is required";
  }
}

export function meetsRequirement(requirement: Requirement, labels: Labels | undefined): boolean {
  const { key, operator, values } = requirement;
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      const actual = value === undefined ? undefined : parseInt64(value);
      const bound = parseInt64(values[0] ?? '');
      if (actual === undefined || bound === undefined) return false;
      return operator === 'gt' ? actual > bound : actual < bound;
    }
  }
}

/** The canonical form: values sorted, one spelling for each operator. */
export function formatRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.toSorted().join(',')})`;
    case 'gt':
      return `${key}>${values.join(',')}`;
    case 'lt':
      return `${key}<${values.join(',')}`;
    default:
      return `${key}${operator}${values.join(',')}`;
  }
}

function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
