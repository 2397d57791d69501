import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import { applyJsonPatch, applyMergePatch, unknownJsonPatchFields } from '../../../../lib/api/patch/index.ts';
import fc from '../../../support/property.ts';
import { frozen, jsonValues } from './documents.ts';

describe('a JSON patch', () => {
  it.each<[string, JsonObject, JsonValue, JsonObject]>([
    ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    ['adds into a list', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    ['appends', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    ['counts from the end', { a: [1, 2] }, [{ op: 'remove', path: '/a/-1' }], { a: [1] }],
    ['removes', { a: { b: 1, c: 2 } }, [{ op: 'remove', path: '/a/b' }], { a: { c: 2 } }],
    ['replaces', { a: [{ b: 1 }] }, [{ op: 'replace', path: '/a/0/b', value: 5 }], { a: [{ b: 5 }] }],
    ['moves', { a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    [
      'copies',
      { a: { b: [1] } },
      [
        { op: 'copy', from: '/a', path: '/c' },
        { op: 'add', path: '/c/b/-', value: 2 },
      ],
      { a: { b: [1] }, c: { b: [1, 2] } },
    ],
    [
      'tests regardless of order',
      { a: { x: 1, y: 2 } },
      [{ op: 'test', path: '/a', value: { y: 2, x: 1 } }],
      { a: { x: 1, y: 2 } },
    ],
    ['tests for absence with null', { a: 1 }, [{ op: 'test', path: '/b', value: null }], { a: 1 }],
    [
      'unescapes pointers',
      { 'a/b': { '~x': 1 } },
      [{ op: 'replace', path: '/a~1b/~0x', value: 2 }],
      { 'a/b': { '~x': 2 } },
    ],
    ['replaces the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  ])('%s', (_, document, patch, expected) => {
    expect(applyJsonPatch(frozen(document), frozen(patch))).toEqual(expected);
  });

  it.each<[JsonValue]>([
    [[{ op: 'remove', path: '/b' }]],
    [[{ op: 'replace', path: '/b', value: 1 }]],
    [[{ op: 'add', path: '/b/c', value: 1 }]],
    [[{ op: 'add', path: 'a', value: 1 }]],
    [[{ op: 'test', path: '/a', value: 2 }]],
    [[{ op: 'add', path: '/l/9', value: 1 }]],
    [[{ op: 'add', path: '/l/x', value: 1 }]],
    [[{ op: 'jump', path: '/a' }]],
    [[{ op: 'add', value: 1 }]],
    [[{ op: 'move', path: '/a' }]],
    [[{ op: 'move', from: '/l', path: '/l/0' }]],
    [[{ op: 'replace', path: '', value: [] }]],
    [[{ op: 'replace', path: '/toString', value: 1 }]],
  ])('%j cannot be applied', (patch) => {
    expect(() => applyJsonPatch({ a: 1, l: [] }, patch)).toThrow(
      expect.objectContaining({
        kind: 'Invalid',
        message: 'the server rejected our request due to an error in our request',
      }),
    );
  });

  it.each<[JsonValue, string]>([
    [
      { op: 'add' },
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    ],
    [['x'], 'error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp'],
    [
      [{ op: 1 }],
      'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string',
    ],
  ])('%j is no patch', (patch, message) => {
    expect(() => applyJsonPatch({}, patch)).toThrow(expect.objectContaining({ kind: 'BadRequest', message }));
  });

  it('names members that no operation has', () => {
    expect(
      unknownJsonPatchFields([
        { op: 'remove', path: '/a' },
        { op: 'test', path: '/a', val: 1 },
      ]),
    ).toEqual(['json patch unknown field "[1].val"']);
  });

  it('is limited in operations and in what it copies', () => {
    const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 }));
    expect(() => applyJsonPatch({ a: 1 }, many)).toThrow(
      expect.objectContaining({
        kind: 'RequestEntityTooLarge',
        message:
          'Request entity is too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
      }),
    );
    const doubling = Array.from({ length: 100 }, () => ({ op: 'copy', from: '/a', path: '/a/b' }));
    expect(() => applyJsonPatch({ a: { text: 'x'.repeat(1000) } }, doubling)).toThrow(
      expect.objectContaining({ kind: 'Invalid' }),
    );
  });

  it('stays quick with 10,000 insertions into one list', () => {
    const operations = Array.from({ length: 10_000 }, (_, index) => ({
      op: 'add',
      path: '/l/0',
      value: index,
    }));
    const result = applyJsonPatch({ l: [] }, operations);
    expect(result.l).toHaveLength(10_000);
  });

  it('reaches a state that undoes to the one before', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), jsonValues), fc.string(), jsonValues, (document, key, value) => {
        const path = `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const before = frozen(document);
        const added = applyJsonPatch(before, [{ op: 'add', path, value }]);
        const restored = Object.hasOwn(before, key)
          ? applyJsonPatch(added, [{ op: 'replace', path, value: before[key] ?? null }])
          : applyJsonPatch(added, [{ op: 'remove', path }]);
        expect(restored).toEqual(before);
      }),
    );
  });
});

describe('a merge patch', () => {
  // The table of RFC 7386, appendix A, as far as documents and patches are objects.
  it.each<[JsonObject, JsonObject, JsonObject]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (document, patch, expected) => {
    expect(applyMergePatch(frozen(document), frozen(patch))).toEqual(expected);
  });

  it('is an object', () => {
    expect(() => applyMergePatch({}, [])).toThrow(
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    );
    expect(() => applyMergePatch({}, null)).toThrow('Invalid JSON Patch');
  });

  it('may be applied twice, and never reaches a prototype', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), jsonValues),
        fc.dictionary(fc.string(), jsonValues),
        (document, patch) => {
          const once = applyMergePatch(frozen(document), frozen(patch));
          expect(applyMergePatch(once, patch)).toEqual(once);
        },
      ),
    );
    const patch = JSON.parse('{"__proto__": {"polluted": true}}') as JsonObject;
    const result = applyMergePatch({}, patch);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.keys(result)).toEqual(['__proto__']);
  });
});

describe('a JSON patch of a long list', () => {
  const list = (length: number) => ({ op: 'add', path: '/list', value: Array<number>(length).fill(1) });
  const first = (count: number, op: object) =>
    Array<object>(count).fill({ path: '/list/0', value: 2, ...op });

  it.each([
    ['adds', 'add'],
    ['takes away', 'remove'],
  ])(
    'that %s its first item ten thousand times is refused before it has moved all others each time',
    (_, op) => {
      const operations = [list(1_000_000), ...first(9_999, { op })] as JsonObject[];
      expect(() => applyJsonPatch({}, operations)).toThrow('the server rejected our request');
    },
  );

  it('that is not as long is done', () => {
    const operations = [list(5_000), ...first(9_999, { op: 'add' })] as JsonObject[];
    expect(applyJsonPatch({}, operations).list).toHaveLength(14_999);
  });
});
