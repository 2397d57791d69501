import { KumulusError } from '../../../lib/errors.ts';
import {
  aggregateText,
  errorBody,
  type FieldError,
  type FieldErrorType,
} from '../../../lib/api/validate/field-error.ts';

/** Collects what is wrong with a document, each with its path and value. What it returns is safe to go on with. */
export class Check {
  readonly #problems: FieldError[] = [];

  #push(type: FieldErrorType, field: string, value: unknown, detail: string): void {
    this.#problems.push({ type, field, value, detail });
  }

  add(field: string, value: unknown, detail: string): void {
    this.#push('FieldValueInvalid', field, value, detail);
  }

  required(field: string, detail = ''): void {
    this.#push('FieldValueRequired', field, '', detail);
  }

  forbidden(field: string, detail: string): void {
    this.#push('FieldValueForbidden', field, '', detail);
  }

  /** Adds `value` to those seen, and says where it was among them already. */
  unique(field: string, value: string, seen: Set<string>): void {
    if (seen.has(value)) this.#push('FieldValueDuplicate', field, value, '');
    seen.add(value);
  }

  /** What the validation of a part that the API has too has found. */
  addAll(errors: readonly FieldError[]): void {
    this.#problems.push(...errors);
  }

  /** An absent object is an empty one; a field that is not among `fields` is wrong. */
  object(path: string, value: unknown, fields: readonly string[]): Readonly<Record<string, unknown>> {
    if (value === undefined || value === null) return {};
    if (typeof value !== 'object' || Array.isArray(value)) {
      this.add(path, value, 'must be an object');
      return {};
    }
    for (const [name, found] of Object.entries(value)) {
      if (!fields.includes(name)) this.add(path === '' ? name : `${path}.${name}`, found, 'unknown field');
    }
    return value as Record<string, unknown>;
  }

  list(path: string, value: unknown): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    this.add(path, value, 'must be a list');
    return [];
  }

  string(path: string, value: unknown): string | undefined {
    if (value === undefined || typeof value === 'string') return value;
    this.add(path, value, 'must be a string');
    return undefined;
  }

  boolean(path: string, value: unknown): void {
    if (value !== undefined && typeof value !== 'boolean') this.add(path, value, 'must be true or false');
  }

  /** `detail` replaces the words for a number that is out of range. */
  integer(
    path: string,
    value: unknown,
    { min, max, detail }: { min?: number; max?: number; detail?: string },
  ): number | undefined {
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      this.add(path, value, 'must be an integer');
    else if (min !== undefined && value < min)
      this.add(path, value, detail ?? `must be greater than or equal to ${min}`);
    else if (max !== undefined && value > max)
      this.add(path, value, detail ?? `must be less than or equal to ${max}`);
    else return value;
    return undefined;
  }

  oneOf(path: string, value: unknown, supported: readonly string[]): void {
    if (typeof value === 'string' && supported.includes(value)) return;
    const detail = `supported values: ${supported.map((name) => `"${name}"`).join(', ')}`;
    this.#push('FieldValueNotSupported', path, value ?? '', detail);
  }

  /** @throws KumulusError Invalid with everything that was added. */
  throwIfAny(what: string): void {
    if (this.#problems.length === 0) return;
    const causes = this.#problems.map((problem) => ({
      reason: problem.type,
      field: problem.field,
      message: errorBody(problem),
    }));
    throw new KumulusError('Invalid', `${what} is invalid: ${aggregateText(this.#problems)}`, {
      details: { causes },
    });
  }
}
