/** Expressions against the same thing said in JavaScript. */
import { describe, expect, test } from 'vitest';
import { admissionEnvironment } from '../../../lib/cel/index.ts';
import type { JsonValue } from '../../../lib/api/object.ts';
import { fromJson, prepare, runNow, toJson } from '../../../lib/cel/runtime.ts';
import fc from '../../support/property.ts';

const environment = admissionEnvironment({ hasParams: false, hasAuthorizer: false });

function outcome(source: string, object: JsonValue = null) {
  const value = fromJson(object);
  return runNow(prepare(environment, source), (name) => (name === 'object' ? value : undefined));
}

function valueOf(source: string, object: JsonValue = null): JsonValue {
  const result = outcome(source, object);
  if ('error' in result) throw new Error(result.error);
  return toJson(result.value);
}

test('documents come out as they went in', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      // JSON has no negative zero.
      const plain = JSON.parse(JSON.stringify(value)) as JsonValue;
      expect(valueOf('object', plain)).toEqual(plain);
    }),
  );
});

test('lists and numbers', () => {
  const ints = fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 20 });
  fc.assert(
    fc.property(ints, fc.integer({ min: -1000, max: 1000 }), (list, one) => {
      const object = { list, one };
      expect(valueOf('object.list.map(x, x + 1)', object)).toEqual(list.map((x) => x + 1));
      expect(valueOf('object.list.filter(x, x > object.one)', object)).toEqual(list.filter((x) => x > one));
      expect(valueOf('object.list.exists(x, x == object.one)', object)).toBe(list.includes(one));
      expect(valueOf('object.list.all(x, x < object.one)', object)).toBe(list.every((x) => x < one));
      expect(valueOf('object.one in object.list', object)).toBe(list.includes(one));
      expect(valueOf('object.list.size()', object)).toBe(list.length);
      expect(valueOf('object.list.sortBy(x, x)', object)).toEqual(list.toSorted((a, b) => a - b));
    }),
  );
});

test('an error counts only where nothing else decides', () => {
  const truth = fc.constantFrom('true', 'false', 'error');
  const text = (one: string) => (one === 'error' ? '1 / object == 1' : one);
  fc.assert(
    fc.property(truth, truth, (left, right) => {
      const both = outcome(`(${text(left)}) && (${text(right)})`, 0);
      const either = outcome(`(${text(left)}) || (${text(right)})`, 0);
      const sides = [left, right];
      const wanted = (decides: 'true' | 'false') =>
        sides.includes(decides)
          ? { value: decides === 'true' }
          : sides.includes('error')
            ? { error: 'division by zero' }
            : { value: decides !== 'true' };
      expect(both).toMatchObject(wanted('false'));
      expect(either).toMatchObject(wanted('true'));
    }),
  );
});

describe('values that may not be there', () => {
  test.each([
    ['object.?a.?b.orValue(1)', 1],
    ['object.?x.optMap(v, v + 1).orValue(0)', 8],
    ['[?object.?a, ?object.?x]', [7]],
    ['{?"a": object.?a, "x": 1}', { x: 1 }],
    ['object[?"x"].hasValue()', true],
    ['has(object.a) || has(object.x)', true],
  ] as const)('%s', (source, wanted) => {
    expect(valueOf(source, { x: 7 })).toEqual(wanted);
  });
});

describe('functions of Kubernetes', () => {
  test.each([
    ['quantity("1Gi").isGreaterThan(quantity("1000M"))', true],
    ['quantity("1500m").add(quantity("500m")).asInteger()', 2],
    ['isQuantity("one")', false],
    ['cidr("10.0.0.0/8").containsIP("10.200.0.1")', true],
    ['cidr("10.0.0.0/8").containsCIDR("11.0.0.0/16")', false],
    ['ip("::1").isLoopback()', true],
    ['isIP("10.0.0.01")', false],
    ['url("https://user@example.com:81/a%20b?c=d").getHostname()', 'example.com'],
    ['semver("1.2.0-rc.1").isLessThan(semver("1.2.0"))', true],
    ['semver("v1.2", true).minor()', 2],
    ['"abc-123 def-4".findAll("[a-z]+-[0-9]+")', ['abc-123', 'def-4']],
    ['"abc".matches("^[a-c]+$")', true],
    ['format.dns1123Label().validate("Not-One").hasValue()', true],
    ['[3, 1, 2].sum() + [3, 1, 2].max()', 9],
    ['duration("90m") > duration("1h")', true],
    ['sets.contains([1, 2, 3], [3, 1])', true],
  ] as const)('%s', (source, wanted) => {
    expect(valueOf(source)).toEqual(wanted);
  });
});

describe('errors', () => {
  test.each([
    ['object.a.b', 'no such key: a'],
    ['[1][3] == 1', 'index out of bounds: 3'],
    ['9223372036854775807 + 1 > 0', 'integer overflow'],
    ['optional.none().value() == 1', 'optional.none() dereference'],
    ['dyn("a") + dyn(1) == "a1"', 'no such overload'],
    [
      'lists.range(300).all(a, lists.range(300).all(b, lists.range(300).all(c, a + b + c >= 0)))',
      'operation cancelled: actual cost limit exceeded',
    ],
  ] as const)('%s', (source, error) => {
    expect(outcome(source, {})).toMatchObject({ error });
  });
});
