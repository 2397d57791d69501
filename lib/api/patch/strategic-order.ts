import type { JsonValue } from '../object.ts';
import { identityOf } from './strategic-items.ts';

/**
 * Puts a merged list in order: items that `first` names as `first` has them, the others as `second` has them, and
 * among each other as `second` has them where it knows both, else named ones first.
 */
export function arrange(
  items: readonly JsonValue[],
  first: readonly JsonValue[],
  second: readonly JsonValue[],
  mergeKey: string | undefined,
): JsonValue[] {
  const firstPlaces = placesOf(first, mergeKey);
  const secondPlaces = placesOf(second, mergeKey);
  const named: Placed[] = [];
  const others: Placed[] = [];
  for (const item of items) {
    const key = identityOf(item, mergeKey);
    const place = firstPlaces.get(key);
    const live = secondPlaces.get(key);
    if (place !== undefined) named.push({ item, place, live });
    else others.push({ item, place: live ?? -1, live });
  }
  named.sort((a, b) => a.place - b.place);
  others.sort((a, b) => a.place - b.place);

  const result: JsonValue[] = [];
  let next = 0;
  for (const { item, live } of named) {
    for (let other = others[next]; other && isBefore(other.live, live); other = others[++next])
      result.push(other.item);
    result.push(item);
  }
  for (; next < others.length; next++) result.push(others[next]?.item ?? null);
  return result;
}

interface Placed {
  item: JsonValue;
  /** In the order that decides among its like. */
  place: number;
  /** In the document's list, where it is there. */
  live: number | undefined;
}

function isBefore(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && a < b;
}

function placesOf(list: readonly JsonValue[], mergeKey: string | undefined): Map<JsonValue, number> {
  const places = new Map<JsonValue, number>();
  list.forEach((item, index) => {
    const key = identityOf(item, mergeKey);
    if (!places.has(key)) places.set(key, index);
  });
  return places;
}
