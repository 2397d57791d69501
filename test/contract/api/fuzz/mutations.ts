/** Values put in places of an object that the schema has, and in some that it has not. */
import type { JsonValue } from '../../../../lib/api/object.ts';
import type { Schema } from '../../../../lib/api/schema.ts';
import fc from '../../../support/property.ts';
import { valueOf } from '../../../support/schema-values.ts';

export interface Mutation {
  steps: string[];
  value: JsonValue;
}

const strange = fc.constantFrom<JsonValue>(
  null,
  '',
  0,
  -1,
  1.5,
  1e300,
  2 ** 53,
  true,
  [],
  {},
  [null],
  [{}],
  'None',
  '-1',
  '1Gi',
  '999.1.1.1',
  'a/b/c',
  '\0',
  '\u{1f600}',
  'x'.repeat(300),
  '__proto__',
  'constructor',
);

/** A walk from the root by numbers: which property, which key, how far. */
export function mutationOf(root: Schema): fc.Arbitrary<Mutation> {
  return fc.array(fc.nat(10_000), { minLength: 1, maxLength: 7 }).chain((turns) => {
    const { steps, schema } = walk(root, turns);
    return fc
      .oneof({ weight: 2, arbitrary: valueOf(schema, 2) }, { weight: 1, arbitrary: strange })
      .map((value) => ({ steps, value }));
  });
}

const keys = ['a', 'cpu', 'example.com/x', 'A b', '__proto__', ''];

function walk(root: Schema, turns: readonly number[]): { steps: string[]; schema: Schema } {
  const steps: string[] = [];
  let schema = root;
  for (const turn of turns) {
    const names = Object.keys(schema.properties ?? {}).filter(
      (name) => !(steps.length === 0 && isIdentity(name)),
    );
    if (schema.items) {
      steps.push(String(turn % 2));
      schema = schema.items;
    } else if (names.length > 0) {
      const name = names[turn % names.length] ?? '';
      steps.push(name);
      schema = schema.properties?.[name] ?? {};
    } else if (schema.additionalProperties) {
      steps.push(keys[turn % keys.length] ?? '');
      schema = schema.additionalProperties;
    } else break;
  }
  return { steps, schema };
}

/** What says which kind it is stays: a body of another kind is refused before anything else is looked at. */
function isIdentity(name: string): boolean {
  return name === 'kind' || name === 'apiVersion';
}

/** Puts a value in its place; what stands in the way is replaced. */
export function put(object: Record<string, unknown>, { steps, value }: Mutation): void {
  let at: Record<string, unknown> = object;
  steps.slice(0, -1).forEach((step, index) => {
    const next = Object.hasOwn(at, step) ? at[step] : undefined;
    if (next === null || typeof next !== 'object')
      set(at, step, /^\d+$/.test(steps[index + 1] ?? '') ? [] : {});
    at = at[step] as Record<string, unknown>;
  });
  set(at, steps.at(-1) ?? 'x', value);
}

/** An own property whatever its name: `__proto__` is one in JSON. */
function set(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}
