/**
 * The sections of an object, as `spec`, `status` or `data`: most writes leave most of them as they are. A section that is
 * one and the same in two states need not be looked into again, to compare, to check or to write it.
 */
import type { JsonObject } from '../../../../lib/api/object.ts';
import { cloneJson, equalJson } from '../../../../lib/api/patch/index.ts';

type State = object;

/** The sections, by name, that are the very same in both. Metadata are always an object's own. */
export function sharedSections(next: State, old: State): string[] {
  const [after, before] = [next as JsonObject, old as JsonObject];
  return Object.keys(after).filter((key) => isSection(key, after) && after[key] === before[key]);
}

/** Makes sections that say the same the very same ones. From here on they must not be changed. */
export function shareSections(next: State, old: State): void {
  const [after, before] = [next as JsonObject, old as JsonObject];
  for (const key of Object.keys(after)) {
    const section = before[key];
    if (isSection(key, after) && section !== undefined && equalJson(after[key], section))
      after[key] = section;
  }
}

/** Makes copies of those that are the very same, so that `next` may be changed. */
export function ownSections(next: State, old: State): void {
  const after = next as JsonObject;
  for (const key of sharedSections(next, old)) after[key] = cloneJson(after[key] ?? null);
}

function isSection(key: string, object: JsonObject): boolean {
  return key !== 'metadata' && typeof object[key] === 'object' && object[key] !== null;
}
