import { own } from './own.ts';

/**
 * Semantic equality of API values: what is empty, null or not there is the same, and the order of members is nothing.
 * Quantities are compared as written, which decoding has made canonical.
 */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => sameValue(item, b[index]));
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key of Object.keys(left)) if (!sameValue(left[key], own(right, key))) return false;
  for (const key of Object.keys(right)) {
    if (!Object.hasOwn(left, key) && !sameValue(undefined, right[key])) return false;
  }
  return true;
}

/** Lists and maps without entries; not structs, whose presence can mean something, unless they hold nothing at all. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) && value.length === 0;
}
