import { describe, expect, it } from 'vitest';
import { compareObjects } from '../../../../lib/api/apply/compare.ts';
import { fieldsOfNew } from '../../../../lib/api/apply/created.ts';
import { type FieldSet, sortSet, subtractSets, unionSets } from '../../../../lib/api/apply/field-set.ts';
import { unowned } from '../../../../lib/api/apply/ownership.ts';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import type { Schema } from '../../../../lib/api/schema.ts';
import { schemaFor } from '../../../../lib/api/schemas.ts';
import fc, { runs } from '../../../support/property.ts';
import { valueOf } from '../../../support/schema-values.ts';
import { jsonValues } from '../patch/documents.ts';

const kinds = [
  ['', 'Pod'],
  ['', 'Service'],
  ['', 'ConfigMap'],
  ['apps', 'Deployment'],
  ['networking.k8s.io', 'NetworkPolicy'],
] as const;
const ofKinds = kinds.map(([group, kind]) => {
  const schema = schemaFor(group, 'v1', kind) as Schema;
  return valueOf(schema).map((object) => ({ schema, object: object as JsonObject }));
});
/** As custom resources bring theirs. */
const loose: Schema = {
  type: 'object',
  properties: {
    metadata: { type: 'object', properties: { labels: { type: 'object', additionalProperties: {} } } },
    any: { type: 'object', preserveUnknownFields: true },
    list: {
      type: 'array',
      listType: 'map',
      listMapKeys: ['name', 'port'],
      items: {
        type: 'object',
        properties: { name: { type: 'string' }, port: { type: 'integer', default: 1 } },
      },
    },
    set: { type: 'array', listType: 'set', items: { type: 'string' } },
    always: { type: 'object', properties: { x: {} } },
    items: { type: 'array', listType: 'set', items: { type: 'string' } },
  },
  always: ['always', 'items'],
};
const keyed = fc.record(
  { name: fc.constantFrom('a', 'b"c', ''), port: fc.constantFrom(1, 2), more: jsonValues },
  { requiredKeys: [] },
);
const loosely = fc
  .record(
    {
      metadata: fc.record({ name: fc.string(), labels: jsonValues, uid: fc.string() }, { requiredKeys: [] }),
      any: jsonValues,
      list: fc.array(fc.oneof(keyed as fc.Arbitrary<JsonValue>, jsonValues), { maxLength: 4 }),
      set: fc.array(fc.oneof(fc.constantFrom('x', 'y', 1), jsonValues), { maxLength: 4 }),
      always: fc.oneof(jsonValues, fc.constantFrom({}, { x: 1 }, { y: {} })),
      items: fc.oneof(jsonValues, fc.constantFrom([], ['x'], ['x', 'x'])),
      kind: fc.string(),
      unknown: jsonValues,
    },
    { requiredKeys: [] },
  )
  .map((object) => ({ schema: loose, object: object as JsonObject }));

/** By the general way. */
function compared(object: JsonObject, schema: Schema): FieldSet {
  const { added, modified } = compareObjects({}, object, schema);
  return sortSet(subtractSets(unionSets(modified, added), unowned));
}

describe('the fields of a new object', () => {
  it('are those that a comparison with nothing finds, in the same order', () => {
    fc.assert(
      fc.property(fc.oneof(loosely, ...ofKinds), ({ object, schema }) => {
        const expected = JSON.stringify(compared(object, schema));
        // Once more: from what is kept of the first time.
        for (const _ of [1, 2]) expect(JSON.stringify(fieldsOfNew(object, schema))).toBe(expected);
      }),
      { numRuns: runs(400) },
    );
  });

  it('are the very same for objects that have the same fields, whatever is in them', () => {
    const schema = schemaFor('', 'v1', 'ConfigMap') as Schema;
    const named = (name: string, data: JsonObject): JsonObject => ({ metadata: { name }, data });
    const first = fieldsOfNew(named('a', { x: '1', y: '2' }), schema);
    expect(fieldsOfNew(named('b', { x: '3', y: '4' }), schema)).toBe(first);
    expect(fieldsOfNew(named('c', { x: '3', z: '4' }), schema)).toEqual({
      'f:data': { '.': {}, 'f:x': {}, 'f:z': {} },
    });
  });

  it('keep nothing of objects with very many fields', () => {
    const schema = schemaFor('', 'v1', 'ConfigMap') as Schema;
    const data = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`key-${index}`, '']));
    const object = { metadata: { name: 'a' }, data };
    const first = fieldsOfNew(object, schema);
    expect(fieldsOfNew(object, schema)).toEqual(first);
    expect(fieldsOfNew(object, schema)).not.toBe(first);
  });
});
