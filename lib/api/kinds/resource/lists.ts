import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, tooMany } from '../../validate/field-error.ts';
import type { Path } from '../../validate/path.ts';

/** A list of bounded length; of a longer one nothing else is looked at. */
export function validateList<T>(
  items: readonly T[] | undefined,
  max: number,
  path: Path,
  check: (item: T, path: Path) => FieldError[],
): FieldError[] {
  if (!items) return [];
  if (items.length > max) return [tooMany(path, items.length, max)];
  return items.flatMap((item, index) => check(item, path.index(index)));
}

/** A list in which no two items have the same key. */
export function validateSet<T>(
  items: readonly T[] | undefined,
  max: number,
  path: Path,
  check: (item: T, path: Path) => FieldError[],
  keyOf: (item: T) => unknown,
): FieldError[] {
  if (!items) return [];
  if (items.length > max) return [tooMany(path, items.length, max)];
  return [...validateList(items, max, path, check), ...duplicates(items, path, keyOf)];
}

export function duplicates<T>(items: readonly T[], path: Path, keyOf: (item: T) => unknown): FieldError[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const key = keyOf(item);
    const text = JSON.stringify(key);
    if (seen.has(text)) return [duplicate(path.index(index), key)];
    seen.add(text);
    return [];
  });
}

/** A map whose keys follow a rule. Keys that are too long for a message are shown in part. */
export function validateMap<T>(
  map: Readonly<Record<string, T>> | undefined,
  options: { max: number; shownKeyLength: number },
  path: Path,
  checkKey: (key: string, path: Path) => FieldError[],
  check: (value: T, path: Path) => FieldError[],
): FieldError[] {
  const entries = Object.entries(map ?? {});
  if (entries.length > options.max) return [tooMany(path, entries.length, options.max)];
  return entries.flatMap(([key, value]) => {
    const at = path.key(shorten(key, Math.max(16, options.shownKeyLength)));
    return [...checkKey(key, at), ...check(value, at)];
  });
}

function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  const remaining = max - '...'.length;
  return `${text.slice(0, Math.floor((remaining + 1) / 2))}...${text.slice(text.length - Math.floor(remaining / 2))}`;
}
