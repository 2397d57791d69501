import { describe, expect, it } from 'vitest';
import { hasPath, pathsOf, type FieldSet } from '../../../../lib/api/apply/field-set.ts';
import { toFieldSet } from '../../../../lib/api/apply/to-field-set.ts';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import fc from '../../../support/property.ts';
import { frozen } from '../patch/documents.ts';
import { applySpec, type Deployment, schema, t0, update } from './deployments.ts';

const containers = fc.uniqueArray(
  fc.record(
    {
      name: fc.constantFrom('a', 'b', 'c'),
      image: fc.constantFrom('i:1', 'i:2'),
      env: fc.uniqueArray(fc.record({ name: fc.constantFrom('X', 'Y'), value: fc.constantFrom('1', '2') }), {
        selector: ({ name }) => name,
        minLength: 1,
      }),
      command: fc.array(fc.constantFrom('sh', '-c'), { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: ['name'] },
  ),
  { selector: ({ name }) => name, minLength: 1 },
);
const specs = fc.record(
  {
    replicas: fc.integer({ min: 0, max: 3 }),
    paused: fc.boolean(),
    template: fc.record(
      {
        metadata: fc.record({
          labels: fc.dictionary(fc.constantFrom('l', 'm'), fc.constantFrom('1', '2'), { minKeys: 1 }),
        }),
        spec: fc.record({ containers }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
) as unknown as fc.Arbitrary<JsonObject>;

const steps = fc.array(
  fc.record({
    manager: fc.constantFrom('a', 'b', 'c'),
    spec: specs,
    by: fc.constantFrom('apply', 'apply', 'update'),
  }),
  { minLength: 1, maxLength: 6 },
);

/** Does one step after the other; nothing that went in may be changed. */
function run(
  all: { manager: string; spec: JsonObject; by: string }[],
  after: (object: Deployment) => void,
): Deployment {
  let object = applySpec(undefined, {}, 'creator');
  all.forEach(({ manager, spec, by }, index) => {
    frozen(object as unknown as JsonObject);
    frozen(spec);
    const now = t0 + index * 1000;
    object =
      by === 'apply'
        ? applySpec(object, spec, manager, { force: true, now })
        : update(object, { ...object, spec }, `${manager}-by-hand`, index);
    after(object);
  });
  return object;
}

function pathsIn(object: Deployment): FieldSet {
  return toFieldSet(object as unknown as JsonObject, schema);
}

describe('server-side apply, whatever is done in whatever order', () => {
  it('leaves in the object what was applied last', () => {
    fc.assert(
      fc.property(steps, specs, (all, spec) => {
        const result = applySpec(
          run(all, () => undefined),
          spec,
          'a',
          { force: true },
        );
        const applied = { spec } as unknown as JsonObject;
        for (const path of pathsOf(toFieldSet(applied, schema))) {
          // An empty map is claimed as a whole; merged with others' fields it is one no more.
          const found = hasPath(pathsIn(result), path) || hasParent(result, path);
          expect({ path, found }).toEqual({ path, found: true });
        }
        expect(includes(result.spec, spec)).toBe(true);
      }),
    );
  });

  it('does nothing when the same is applied again', () => {
    fc.assert(
      fc.property(steps, specs, (all, spec) => {
        const once = applySpec(
          run(all, () => undefined),
          spec,
          'a',
          { force: true },
        );
        expect(applySpec(once, spec, 'a', { force: false, now: t0 + 99_000 })).toBe(once);
      }),
    );
  });

  it('gives each manager an entry of its own, and nobody two', () => {
    fc.assert(
      fc.property(steps, (all) => {
        run(all, (object) => {
          const ids = (object.metadata.managedFields ?? []).map(
            ({ manager, operation }) => `${operation} ${manager}`,
          );
          expect(new Set(ids).size).toBe(ids.length);
          for (const { fieldsV1 } of object.metadata.managedFields ?? []) {
            expect(pathsOf(fieldsV1 as FieldSet).length).toBeGreaterThan(0);
          }
        });
      }),
    );
  });

  it('takes everything away again when all that applied let go', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const applied = all.map((step) => ({ ...step, by: 'apply' }));
        const empty = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };
        let object = run(applied, () => undefined);
        for (const manager of ['a', 'b', 'c', 'creator'])
          object = applySpec(object, {}, manager, { applied: empty });
        expect(object.spec ?? {}).toEqual({});
        expect(object.metadata.managedFields).toBeUndefined();
      }),
    );
  });
});

function hasParent(object: Deployment, path: string[]): boolean {
  let value: unknown = object;
  for (const element of path) {
    if (!element.startsWith('f:') || typeof value !== 'object' || value === null) return false;
    value = (value as Record<string, unknown>)[element.slice(2)];
  }
  return typeof value === 'object';
}

/** Whether all of `part` is in `whole`; items of lists by their name where they have one. */
function includes(whole: JsonValue | undefined, part: JsonValue): boolean {
  if (Array.isArray(part)) {
    if (!Array.isArray(whole)) return false;
    const named = part.every((item) => typeof item === 'object' && item !== null && 'name' in item);
    if (!named) return JSON.stringify(whole) === JSON.stringify(part);
    return (part as JsonObject[]).every((item) =>
      (whole as JsonObject[]).some((other) => other.name === item.name && includes(other, item)),
    );
  }
  if (typeof part !== 'object' || part === null) return whole === part;
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false;
  return Object.entries(part).every(([key, value]) => includes(whole[key], value));
}
