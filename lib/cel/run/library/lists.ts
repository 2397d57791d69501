import { delegate } from '../delegate.ts';
import { CelError, type CelValue, equals, isList } from '../values.ts';
import type { Implementation, Implementations } from './implementation.ts';

function compare(a: CelValue, b: CelValue): number {
  if (delegate('_<_', false, [a, b]) === true) return -1;
  return equals(a, b) ? 0 : 1;
}

/** The list in the order of its keys; those with equal keys stay as they were. */
export function sortBy(list: readonly CelValue[], keys: readonly CelValue[]): CelValue {
  const order = [...list.keys()].sort((a, b) => compare(keys[a] ?? null, keys[b] ?? null));
  return order.map((index) => list[index] ?? null);
}

const onList =
  (run: (list: readonly CelValue[], ...more: CelValue[]) => CelValue | undefined): Implementation =>
  ([list = null, ...more]) =>
    isList(list) ? run(list, ...more) : undefined;

const extreme = (name: string, sign: number): Implementation =>
  onList((list) => {
    const [first, ...rest] = list;
    if (first === undefined) throw new CelError(`${name} called on empty list`);
    return rest.reduce((best, one) => (compare(one, best) * sign > 0 ? one : best), first);
  });

const place = (find: (list: readonly CelValue[], value: CelValue) => number): Implementation =>
  onList((list, value = null) => BigInt(find(list, value)));

const maxRange = 1_000_000n;

function flatten(list: readonly CelValue[], depth: bigint): CelValue[] {
  if (depth < 0n) throw new CelError('level must be non-negative');
  return list.flatMap((one) => (isList(one) ? (depth > 1n ? flatten(one, depth - 1n) : one) : [one]));
}

const contains = (list: readonly CelValue[], value: CelValue) => list.some((one) => equals(one, value));

const onSets =
  (run: (a: readonly CelValue[], b: readonly CelValue[]) => boolean): Implementation =>
  ([a = null, b = null]) =>
    isList(a) && isList(b) ? run(a, b) : undefined;

export const lists: Implementations = {
  isSorted: onList((list) =>
    list.every((one, index) => index === 0 || compare(list[index - 1] ?? null, one) <= 0),
  ),
  min: extreme('min', -1),
  max: extreme('max', 1),
  sum: onList((list) => {
    const [first, ...rest] = list;
    if (first === undefined) return 0n;
    return rest.reduce((total: CelValue, one) => delegate('_+_', false, [total, one]), first);
  }),
  indexOf: place((list, value) => list.findIndex((one) => equals(one, value))),
  lastIndexOf: place((list, value) => list.findLastIndex((one) => equals(one, value))),
  slice: onList((list, start = null, end = null) => {
    if (typeof start !== 'bigint' || typeof end !== 'bigint') return undefined;
    const shown = `cannot slice(${start}, ${end})`;
    if (start < 0n || end < 0n) throw new CelError(`${shown}, negative indexes not supported`);
    if (start > end) throw new CelError(`${shown}, start index must be less than or equal to end index`);
    if (end > BigInt(list.length)) throw new CelError(`${shown}, list is length ${list.length}`);
    return list.slice(Number(start), Number(end));
  }),
  flatten: onList((list, depth = 1n) => (typeof depth === 'bigint' ? flatten(list, depth) : undefined)),
  distinct: onList((list) =>
    list.filter((one, index) => list.findIndex((other) => equals(one, other)) === index),
  ),
  reverse: onList((list) => [...list].reverse()),
  sort: onList((list) => [...list].sort(compare)),
  'lists.range'([count = null]) {
    if (typeof count !== 'bigint') return undefined;
    if (count > maxRange) throw new CelError(`range size ${count} is over the limit of ${maxRange}`);
    return Array.from({ length: Number(count > 0n ? count : 0n) }, (_, index) => BigInt(index));
  },
  'sets.contains': onSets((a, b) => b.every((one) => contains(a, one))),
  'sets.equivalent': onSets(
    (a, b) => b.every((one) => contains(a, one)) && a.every((one) => contains(b, one)),
  ),
  'sets.intersects': onSets((a, b) => a.some((one) => contains(b, one))),
};
