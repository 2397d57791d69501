import { describe, expect, it } from 'vitest';
import {
  type FieldSet,
  type FieldSetBuilder,
  hasPath,
  insertPath,
  intersectSets,
  isEmptySet,
  pathsOf,
  sortSet,
  subtractSets,
  subtractTrees,
  unionSets,
} from '../../../../lib/api/apply/field-set.ts';
import { formatPath, itemElement, readFieldSet } from '../../../../lib/api/apply/path-element.ts';
import type { JsonValue } from '../../../../lib/api/object.ts';
import fc from '../../../support/property.ts';
import { frozen } from '../patch/documents.ts';

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:"s"', 'i:0');
const paths = fc.array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 8 });

function setOf(all: readonly string[][]): FieldSet {
  const set: FieldSetBuilder = {};
  for (const path of all) insertPath(set, path);
  return frozen(set);
}

/** The members as text, which plain sets can reckon with. */
function members(set: FieldSet): Set<string> {
  return new Set(pathsOf(set).map((path) => path.join(' ')));
}

function texts(all: readonly string[][]): Set<string> {
  return new Set(all.map((path) => path.join(' ')));
}

function keep(all: readonly string[][], isKept: (path: string) => boolean): Set<string> {
  return new Set([...texts(all)].filter(isKept));
}

describe('a set of fields', () => {
  it('has exactly the paths that were put in', () => {
    fc.assert(
      fc.property(paths, paths, (all, others) => {
        const set = setOf(all);
        expect(members(set)).toEqual(texts(all));
        for (const path of others) expect(hasPath(set, path)).toBe(texts(all).has(path.join(' ')));
        expect(isEmptySet(set)).toBe(all.length === 0);
      }),
    );
  });

  it('unites, intersects and subtracts as sets do', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const [a, b] = [setOf(left), setOf(right)];
        expect(members(unionSets(a, b))).toEqual(texts([...left, ...right]));
        expect(members(intersectSets(a, b))).toEqual(keep(left, (path) => texts(right).has(path)));
        expect(members(subtractSets(a, b))).toEqual(keep(left, (path) => !texts(right).has(path)));
      }),
    );
  });

  it('subtracts trees with all that is below', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const below = (path: readonly string[]) =>
          right.some((parent) => parent.every((step, index) => path[index] === step));
        const expected = texts(left.filter((path) => !below(path)));
        expect(members(subtractTrees(setOf(left), setOf(right)))).toEqual(expected);
      }),
    );
  });

  it('stays the very same where nothing is taken from it', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const a = setOf(left);
        const others = right.map((path) => ['f:other', ...path]);
        expect(subtractSets(a, setOf(others))).toBe(a);
        expect(subtractTrees(a, setOf(others))).toBe(a);
      }),
    );
  });

  it('is read and sorted without change', () => {
    fc.assert(
      fc.property(paths, (all) => {
        const set = setOf(all);
        expect(members(readFieldSet(JSON.parse(JSON.stringify(sortSet(set)))))).toEqual(texts(all));
      }),
    );
  });
});

describe('a path', () => {
  it('is shown as kubectl shows it', () => {
    expect(
      formatPath(['f:spec', 'f:containers', 'k:{"containerPort":80,"protocol":"TCP"}', 'v:"a"', 'i:3']),
    ).toBe('.spec.containers[containerPort=80,protocol="TCP"][="a"][3]');
  });

  it('has keys in one order, with their defaults', () => {
    const list = {
      type: 'array',
      listType: 'map',
      listMapKeys: ['port', 'protocol'],
      items: { properties: { protocol: { type: 'string', default: 'TCP' } } },
    } as const;
    expect(itemElement({ port: 80 }, list)).toBe('k:{"port":80,"protocol":"TCP"}');
    expect(readFieldSet({ 'k:{ "protocol":"TCP", "port":80 }': {}, 'x:new': {} })).toEqual({
      'k:{"port":80,"protocol":"TCP"}': {},
    });
  });

  it.each<JsonValue>([
    { f: {} },
    { 'f-a': {} },
    { 'k:1': {} },
    { 'v:{': {} },
    { 'i:x': {} },
    { 'f:a': 1 },
    [],
    'text',
  ])('%j is no field set', (fields) => {
    expect(() => readFieldSet(fields)).toThrow();
  });
});
