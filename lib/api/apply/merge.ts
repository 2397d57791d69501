import type { JsonObject, JsonValue } from '../object.ts';
import { equalJson, isJsonObject, setKey } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import { itemElement } from './path-element.ts';
import { isEmptyValue, memberSchema, shapeOf } from './shape.ts';

/**
 * The live object with an applied one merged in: what the applied one says wins, and nothing is taken away. Lists are
 * ordered as the applied one has them as far as it names their items; others keep their place among the live ones.
 * What comes out as it is live is the very live one, so that those who come after see at a glance that nothing changed.
 */
export function mergeApplied(live: JsonObject, applied: JsonObject, schema: Schema | undefined): JsonObject {
  return mergeMaps(live, applied, schema);
}

function mergeValues(
  live: JsonValue | undefined,
  applied: JsonValue | undefined,
  schema: Schema | undefined,
): JsonValue | undefined {
  if (applied === undefined) return live;
  if (live === undefined) return applied;
  const shape = shapeOf(schema, live, applied);
  if (shape === 'leaf' || (isEmptyValue(live) && isEmptyValue(applied))) {
    return equalJson(live, applied) ? live : applied;
  }
  if (shape === 'map') {
    return mergeMaps(isJsonObject(live) ? live : {}, isJsonObject(applied) ? applied : {}, schema);
  }
  return mergeLists(Array.isArray(live) ? live : [], Array.isArray(applied) ? applied : [], schema ?? {});
}

function mergeMaps(live: JsonObject, applied: JsonObject, schema: Schema | undefined): JsonObject {
  let merged: JsonObject | undefined;
  for (const name of Object.keys(applied)) {
    const current = Object.hasOwn(live, name) ? live[name] : undefined;
    const value = mergeValues(current, applied[name], memberSchema(schema, name));
    if (value === undefined || value === current) continue;
    merged ??= { ...live };
    setKey(merged, name, value);
  }
  return merged ?? live;
}

function mergeLists(live: JsonValue[], applied: JsonValue[], schema: Schema): JsonValue[] {
  const liveElements = live.map((item) => itemElement(item, schema));
  const appliedElements = applied.map((item) => itemElement(item, schema));
  // An item that is there twice has no one state to merge with: the applied one takes its place.
  const liveItems = new Map<string, JsonValue | undefined>();
  live.forEach((item, index) => {
    const element = liveElements[index] ?? '';
    liveItems.set(element, liveItems.has(element) ? undefined : item);
  });
  const claimed = new Set(appliedElements);
  const shared = appliedElements.filter((element) => liveItems.has(element));
  const done = new Set<string>();
  const merged: JsonValue[] = [];
  let nextShared = 0;
  const take = (index: number) => {
    const element = appliedElements[index] ?? '';
    done.add(element);
    merged.push(mergeValues(liveItems.get(element), applied[index], schema.items ?? {}) ?? null);
    if (shared[nextShared] === element) nextShared++;
  };

  let left = 0;
  let right = 0;
  while (left < live.length || right < applied.length) {
    const element = liveElements[left];
    if (element !== undefined && right < applied.length) {
      if (element === appliedElements[right]) {
        take(right++);
        left++;
        continue;
      }
      // Shared, but its turn comes later: it is placed where the applied list has it.
      if (claimed.has(element) && nextShared < shared.length && shared[nextShared] !== element) {
        left++;
        continue;
      }
    }
    if (element !== undefined) {
      if (!claimed.has(element)) {
        merged.push(live[left++] ?? null);
        continue;
      }
      if (done.has(element)) left++;
    }
    if (right < applied.length) take(right++);
  }
  const isLive = merged.length === live.length && merged.every((item, index) => item === live[index]);
  return isLive ? live : merged;
}
