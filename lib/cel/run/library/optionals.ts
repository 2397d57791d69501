import { CelError, type CelValue, isList, isMap, Optional, uintOf } from '../values.ts';
import type { Implementations } from './implementation.ts';

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true;
  if (uintOf(value) === 0n) return true;
  if (value instanceof Uint8Array || isList(value)) return value.length === 0;
  return isMap(value) && value.size === 0;
}

const unwrapped = (list: CelValue): CelValue | undefined =>
  isList(list)
    ? list.flatMap((one) => (one instanceof Optional && one.value !== undefined ? [one.value] : []))
    : undefined;

export const optionals: Implementations = {
  'optional.of': ([value = null]) => new Optional(value),
  'optional.ofNonZeroValue': ([value = null]) => (isZero(value) ? Optional.none : new Optional(value)),
  'optional.none': () => Optional.none,
  'optional.unwrap': ([list = null]) => unwrapped(list),
  unwrapOpt: ([list = null]) => unwrapped(list),
  hasValue: ([one = null]) => (one instanceof Optional ? one.value !== undefined : undefined),
  value([one = null]) {
    if (!(one instanceof Optional)) return undefined;
    if (one.value === undefined) throw new CelError('optional.none() dereference');
    return one.value;
  },
  first: ([list = null]) =>
    isList(list) ? (list.length > 0 ? new Optional(list[0]) : Optional.none) : undefined,
  last: ([list = null]) =>
    isList(list) ? (list.length > 0 ? new Optional(list.at(-1)) : Optional.none) : undefined,
};
