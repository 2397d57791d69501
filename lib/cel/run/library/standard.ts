/** Of the language itself: what is about equality, lists, maps and types. Arithmetic and conversions are the package's. */
import { CelError, equals, isList, isMap, mapKey, TypeValue, typeNameOf } from '../values.ts';
import type { Implementations } from './implementation.ts';

export const standard: Implementations = {
  '_==_': ([a = null, b = null]) => equals(a, b),
  '_!=_': ([a = null, b = null]) => !equals(a, b),
  '_+_': ([a = null, b = null]) => (isList(a) && isList(b) ? [...a, ...b] : undefined),
  '@in'([value = null, range = null]) {
    if (isList(range)) return range.some((one) => equals(one, value));
    if (isMap(range)) return range.has(mapKey(value));
    throw new CelError('no such overload');
  },
  size([value = null]) {
    if (typeof value === 'string') return BigInt(value.match(/[\s\S]/gu)?.length ?? 0);
    if (value instanceof Uint8Array || isList(value)) return BigInt(value.length);
    return isMap(value) ? BigInt(value.size) : undefined;
  },
  type: ([value = null]) => new TypeValue(typeNameOf(value)),
  dyn: ([value = null]) => value,
  int([value = null]) {
    if (typeof value !== 'string' || /^[-+]?\d+$/.test(value)) return undefined;
    throw new CelError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  },
  double([value = null]) {
    if (
      typeof value !== 'string' ||
      (value.trim() === value && value !== '' && !Number.isNaN(Number(value)))
    ) {
      return undefined;
    }
    throw new CelError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
  },
  'jsonpatch.escapeKey': ([key = null]) =>
    typeof key === 'string' ? key.replaceAll('~', '~0').replaceAll('/', '~1') : undefined,
};
