import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import { applyStrategicMergePatch } from '../../../../lib/api/patch/index.ts';
import type { Schema } from '../../../../lib/api/schema.ts';
import fc from '../../../support/property.ts';
import { frozen, jsonValues } from './documents.ts';

const text: Schema = { type: 'string' };
const item: Schema = {
  type: 'object',
  name: 'io.example.Item',
  properties: {
    name: text,
    value: text,
    tags: { type: 'array', items: text, patchStrategy: ['merge'] },
    ports: {
      type: 'array',
      items: { type: 'object', properties: { port: { type: 'integer' }, name: text } },
      patchStrategy: ['merge'],
      patchMergeKey: 'port',
    },
  },
};
const schema: Schema = {
  type: 'object',
  name: 'io.example.Thing',
  properties: {
    list: { type: 'array', items: item, patchStrategy: ['merge'], patchMergeKey: 'name' },
    atomic: { type: 'array', items: item },
    set: { type: 'array', items: text, patchStrategy: ['merge'] },
    keyless: { type: 'array', items: item, patchStrategy: ['merge'] },
    labels: { type: 'object', additionalProperties: text },
    item,
    union: { ...item, patchStrategy: ['retainKeys'] },
    whole: { ...item, patchStrategy: ['replace'] },
    raw: { type: 'object', preserveUnknownFields: true },
    text,
  },
};
const apply = (document: JsonObject, patch: JsonValue) =>
  applyStrategicMergePatch(frozen(document), frozen(patch), schema);
const names = (...all: string[]) => all.map((name) => ({ name }));

describe('a strategic merge patch', () => {
  it.each<[string, JsonObject, JsonObject, JsonObject]>([
    [
      'merges objects',
      { item: { name: 'a' } },
      { item: { value: '1' } },
      { item: { name: 'a', value: '1' } },
    ],
    [
      'removes with null',
      { text: 'x', item: { name: 'a', value: 'b' } },
      { text: null, item: { value: null } },
      { item: { name: 'a' } },
    ],
    ['ignores nulls of what is not there', {}, { item: { name: 'a', value: null } }, { item: { name: 'a' } }],
    [
      'replaces lists without a strategy',
      { atomic: names('a') },
      { atomic: names('b') },
      { atomic: names('b') },
    ],
    [
      'merges lists by key',
      { list: [{ name: 'a', value: '1' }, { name: 'b' }] },
      { list: [{ name: 'a', value: '2' }, { name: 'c' }] },
      { list: [{ name: 'a', value: '2' }, { name: 'c' }, { name: 'b' }] },
    ],
    [
      'merges lists within lists',
      { list: [{ name: 'a', ports: [{ port: 1, name: 'x' }] }] },
      { list: [{ name: 'a', ports: [{ port: 2 }] }] },
      { list: [{ name: 'a', ports: [{ port: 2 }, { port: 1, name: 'x' }] }] },
    ],
    ['merges sets', { set: ['a', 'b'] }, { set: ['c', 'a'] }, { set: ['c', 'a', 'b'] }],
    [
      'deletes an item',
      { list: names('a', 'b') },
      { list: [{ name: 'a', $patch: 'delete' }] },
      { list: names('b') },
    ],
    [
      'replaces a list',
      { list: names('a', 'b') },
      { list: [{ name: 'c' }, { $patch: 'replace' }] },
      { list: names('c') },
    ],
    [
      'replaces an object',
      { item: { name: 'a', value: 'b' } },
      { item: { name: 'c', $patch: 'replace' } },
      { item: { name: 'c' } },
    ],
    [
      'empties an object',
      { item: { name: 'a' }, text: 'x' },
      { item: { $patch: 'delete' } },
      { item: {}, text: 'x' },
    ],
    [
      'deletes from a set',
      { set: ['a', 'b', 'c'] },
      { '$deleteFromPrimitiveList/set': ['b'] },
      { set: ['a', 'c'] },
    ],
    [
      'deletes from and adds to a set',
      { set: ['a', 'b'] },
      { '$deleteFromPrimitiveList/set': ['b'], set: ['c'] },
      { set: ['c', 'a'] },
    ],
    [
      'orders a list',
      { list: names('a', 'b', 'c') },
      { '$setElementOrder/list': names('c', 'a') },
      { list: names('b', 'c', 'a') },
    ],
    [
      'orders a list and what is new in it',
      { list: names('a', 'b') },
      { list: names('c'), '$setElementOrder/list': names('c', 'b', 'a') },
      { list: names('c', 'b', 'a') },
    ],
    [
      'keeps the place of what the order does not name',
      { list: names('a', 'x', 'b') },
      { list: names('c'), '$setElementOrder/list': names('a', 'c', 'b') },
      { list: names('a', 'c', 'x', 'b') },
    ],
    [
      'orders a set',
      { set: ['a', 'b', 'c'] },
      { '$setElementOrder/set': ['c', 'b', 'a'] },
      { set: ['c', 'b', 'a'] },
    ],
    [
      'orders a list that is new',
      {},
      { list: names('a', 'b'), '$setElementOrder/list': names('a', 'b') },
      { list: names('a', 'b') },
    ],
    [
      'retains keys',
      { union: { name: 'a', value: 'b' } },
      { union: { value: 'c', $retainKeys: ['value'] } },
      { union: { value: 'c' } },
    ],
    [
      'replaces what is marked as replaced',
      { whole: { name: 'a' } },
      { whole: { value: 'b' } },
      { whole: { value: 'b' } },
    ],
    [
      'merges maps',
      { labels: { a: '1', b: '2' } },
      { labels: { b: null, c: '3' } },
      { labels: { a: '1', c: '3' } },
    ],
    [
      'merges where nothing is known',
      { raw: { a: { b: 1 }, l: [1] } },
      { raw: { a: { c: 2 }, l: [2] } },
      { raw: { a: { b: 1, c: 2 }, l: [2] } },
    ],
    ['takes over what has another type', { item: { name: 'a' } }, { item: 'text' }, { item: 'text' }],
    [
      'leaves directives out of what is new',
      {},
      { list: [{ name: 'a' }, { name: 'b', $patch: 'delete' }], item: { $patch: 'delete' } },
      { list: names('a') },
    ],
  ])('%s', (_, document, patch, expected) => {
    expect(apply(document, patch)).toEqual(expected);
  });

  it.each<[JsonObject, string]>([
    [{ item: { $patch: 'jump' } }, 'unknown patch type: jump in map: map[$patch:jump]'],
    [{ list: [{ value: 'x' }] }, 'map: map[value:x] does not contain declared merge key: name'],
    [{ list: [{ $patch: 'delete' }] }, 'map: map[$patch:delete] does not contain declared merge key: name'],
    [{ list: [{ $patch: 'merge' }] }, 'merging lists cannot yet be specified in the patch'],
    [{ list: ['a'] }, 'list element types are not identical: [[map[name:a]] [a]]'],
    [{ keyless: [{ name: 'a' }] }, 'cannot merge lists without merge key for struct'],
    [{ union: { value: 'c', $retainKeys: ['name'] } }, 'invalid patch format of retainKeys'],
    [{ $deleteFromPrimitiveList: ['a'] }, 'invalid patch format of primitive list'],
    [{ '$setElementOrder/list': 'a' }, 'expected a []interface {}, but received a string'],
    [
      { '$setElementOrder/list': names('a'), list: names('b') },
      "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
    ],
    [
      { '$setElementOrder/other': ['a'] },
      'unable to find api field in struct Thing for the json field "other"',
    ],
  ])('%j is refused', (patch, message) => {
    const document = { list: names('a'), keyless: names('a'), union: { name: 'a' }, item: {}, set: ['a'] };
    expect(() => apply(document, patch)).toThrow(expect.objectContaining({ kind: 'BadRequest', message }));
  });

  const things = fc.record(
    {
      text: fc.string(),
      set: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd')),
      list: fc.uniqueArray(
        fc.record(
          { name: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.string() },
          { requiredKeys: ['name'] },
        ),
        { selector: ({ name }) => name },
      ),
      labels: fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.string()),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<JsonObject>;

  it('may be applied twice, and holds all that it asked for', () => {
    fc.assert(
      fc.property(things, things, (document, patch) => {
        const once = apply(document, patch);
        expect(apply(once, patch)).toEqual(once);
        for (const value of (patch.set ?? []) as string[]) expect(once.set).toContain(value);
        const list = (once.list ?? []) as { name: string }[];
        expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
      }),
    );
  });

  it('puts lists into exactly the order asked for', () => {
    const order = fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e']);
    fc.assert(
      fc.property(order, order, order, (live, change, asked) => {
        const patched = change
          .filter((name) => asked.includes(name))
          .sort((a, b) => asked.indexOf(a) - asked.indexOf(b));
        const result = apply(
          { list: names(...live), text: 'x' },
          { list: names(...patched), '$setElementOrder/list': names(...asked) },
        );
        const found = ((result.list ?? []) as { name: string }[]).map(({ name }) => name);
        expect(new Set(found)).toEqual(new Set([...live, ...patched]));
        const named = found.filter((name) => asked.includes(name));
        expect(named).toEqual(asked.filter((name) => found.includes(name)));
        const others = found.filter((name) => !asked.includes(name));
        expect(others).toEqual(live.filter((name) => !asked.includes(name)));
      }),
    );
  });

  it('never fails in any other way than BadRequest', () => {
    const words = fc.constantFrom(
      'list',
      'set',
      'item',
      'union',
      '$patch',
      '$retainKeys',
      '$setElementOrder/list',
      '$setElementOrder/set',
      '$deleteFromPrimitiveList/set',
      '__proto__',
    );
    const patches = fc.dictionary(
      words,
      fc.oneof(jsonValues, things, fc.array(things), fc.constantFrom('replace', 'delete')),
    );
    fc.assert(
      fc.property(things, patches, (document, patch) => {
        try {
          apply(document, patch as JsonObject);
        } catch (error) {
          expect(error).toMatchObject({ name: 'KumulusError', kind: 'BadRequest' });
        }
      }),
    );
  });
});
