import { describe, expect, it } from 'vitest';
import { memberSchema, mergeApplied, shapeOf } from '../../../../lib/api/apply/index.ts';
import { itemElementOrNone } from '../../../../lib/api/apply/path-element.ts';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import { cloneJson, equalJson, isJsonObject } from '../../../../lib/api/patch/index.ts';
import type { Schema } from '../../../../lib/api/schema.ts';
import { schemaFor } from '../../../../lib/api/schemas.ts';
import fc, { runs } from '../../../support/property.ts';
import { valueOf } from '../../../support/schema-values.ts';
import { frozen } from '../patch/documents.ts';

const schema = schemaFor('apps', 'v1', 'Deployment') as Schema;

/** Without items of lists that have no keys, or keys that others have: such an item has no state of its own. */
function distinct(value: JsonValue, of: Schema | undefined): JsonValue {
  if (Array.isArray(value)) {
    if (!of || shapeOf(of) !== 'list') return value;
    const items = new Map<string, JsonValue>();
    for (const item of value) {
      const element = itemElementOrNone(item, of);
      if (element !== undefined) items.set(element, distinct(item, of.items));
    }
    return [...items.values()];
  }
  if (!isJsonObject(value)) return value;
  const names = Object.keys(value).filter((name) => name !== '__proto__');
  return Object.fromEntries(
    names.map((name) => [name, distinct(value[name] ?? null, memberSchema(of, name))]),
  );
}

const deployments = (valueOf(schema) as fc.Arbitrary<JsonObject>).map(
  (value) => distinct(value, schema) as JsonObject,
);

describe('an applied object merged into the live one', () => {
  it('is the very live one, down to each part, where it says nothing new', () => {
    fc.assert(
      fc.property(deployments, deployments, (live, applied) => {
        frozen(live);
        frozen(applied);
        const once = mergeApplied(live, applied, schema);
        for (const key of Object.keys(once))
          if (equalJson(once[key], live[key])) expect(once[key]).toBe(live[key]);
        expect(mergeApplied(live, cloneJson(live), schema)).toBe(live);
        expect(mergeApplied(once, applied, schema)).toBe(once);
      }),
      { numRuns: runs(200) },
    );
  });

  it('leaves what it does not change the very same', () => {
    const containers: JsonObject[] = [
      { name: 'a', image: 'a:1', args: ['x'] },
      { name: 'b', image: 'b:1' },
    ];
    const live: JsonObject = {
      metadata: { labels: { a: '1' } },
      spec: { replicas: 1, template: { spec: { containers } } },
    };
    const applied = {
      metadata: { labels: { a: '2' } },
      spec: { template: { spec: { containers: [{ name: 'a', args: ['x'] }] } } },
    };
    const result = mergeApplied(live, applied, schema);
    expect(result.metadata).toEqual({ labels: { a: '2' } });
    expect(result.spec).toBe(live.spec);
    expect(live.metadata).toEqual({ labels: { a: '1' } });
  });
});
