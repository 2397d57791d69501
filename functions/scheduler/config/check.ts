import { KumulusError } from '../../../lib/errors.ts';

/** Collects what is wrong with a document, each with its path and value. What it returns is safe to go on with. */
export class Check {
  readonly #problems: { field: string; message: string }[] = [];

  add(field: string, value: unknown, message: string): void {
    this.#problems.push({
      field,
      message: `Invalid value: ${JSON.stringify(value) ?? 'undefined'}: ${message}`,
    });
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

  integer(path: string, value: unknown, { min, max }: { min?: number; max?: number }): number | undefined {
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      this.add(path, value, 'must be an integer');
    else if (min !== undefined && value < min)
      this.add(path, value, `must be greater than or equal to ${min}`);
    else if (max !== undefined && value > max) this.add(path, value, `must be less than or equal to ${max}`);
    else return value;
    return undefined;
  }

  oneOf(path: string, value: unknown, supported: readonly string[]): void {
    if (typeof value === 'string' && supported.includes(value)) return;
    this.add(path, value, `must be one of: ${supported.join(', ')}`);
  }

  /** @throws KumulusError Invalid with everything that was added. */
  throwIfAny(what: string): void {
    if (this.#problems.length === 0) return;
    const lines = this.#problems.map(({ field, message }) => `${field}: ${message}`);
    const list = lines.length === 1 ? lines.join() : `[${lines.join(', ')}]`;
    const causes = this.#problems.map((problem) => ({ reason: 'FieldValueInvalid', ...problem }));
    throw new KumulusError('Invalid', `${what} is invalid: ${list}`, { details: { causes } });
  }
}
