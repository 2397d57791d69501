import type { JsonObject, JsonValue } from '../object.ts';
import { equalJson, isJsonObject } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import {
  type FieldSet,
  type FieldSetBuilder,
  insertPath,
  insertTree,
  isEmptySet,
  subtractTrees,
} from './field-set.ts';
import { fieldElement, itemElementOrNone } from './path-element.ts';
import { isEmptyValue, memberOf, memberSchema, shapeOf } from './shape.ts';

/** Which fields differ between two states of an object. No field is in two of the sets. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

interface Walk {
  added: FieldSetBuilder;
  modified: FieldSetBuilder;
  removed: FieldSetBuilder;
  /** Of the value that is looked at. */
  path: string[];
}

/** Compares two states by their schema; values that are one and the same are not looked into. */
export function compareObjects(
  before: JsonObject,
  after: JsonObject,
  schema: Schema | undefined,
): Comparison {
  const walk: Walk = { added: {}, modified: {}, removed: {}, path: [] };
  compareValues(walk, before, after, schema);
  return { added: walk.added, modified: walk.modified, removed: walk.removed };
}

export function isSame({ added, modified, removed }: Comparison): boolean {
  return isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed);
}

/** The comparison without some fields and all that is below them. */
export function withoutFields(comparison: Comparison, ignored: FieldSet): Comparison {
  return {
    added: subtractTrees(comparison.added, ignored),
    modified: subtractTrees(comparison.modified, ignored),
    removed: subtractTrees(comparison.removed, ignored),
  };
}

function compareValues(
  walk: Walk,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  schema: Schema | undefined,
): void {
  if (before === after) return;
  if (walk.path.length > 0) {
    if (before === undefined) return insertTree(walk.added, walk.path, allOf(after, schema));
    if (after === undefined) return insertTree(walk.removed, walk.path, allOf(before, schema));
    // Most writes leave most of an object as it is, which is sooner seen than compared by the schema.
    if (walk.path.length === 1 && equalJson(before, after)) return;
  }
  const shape = shapeOf(schema, before, after);
  // Two that are empty, or empty and absent, count as one field: so that their difference is seen at all.
  if (shape === 'leaf' || (isEmptyValue(before) && isEmptyValue(after))) {
    if (!equalJson(before, after)) insertPath(walk.modified, walk.path);
    return;
  }
  if (shape === 'map') compareMaps(walk, before, after, schema);
  else compareLists(walk, before, after, schema);
}

/** A value that is on one side only: itself, and every field and item in it. */
function allOf(value: JsonValue | undefined, schema: Schema | undefined): FieldSetBuilder {
  const node: FieldSetBuilder = {};
  const shape = shapeOf(schema, value);
  if (shape === 'map' && isJsonObject(value)) {
    for (const name of Object.keys(value)) {
      const member = value[name];
      if (member !== undefined) node[fieldElement(name)] = allOf(member, memberSchema(schema, name));
    }
  } else if (shape === 'list' && schema) {
    for (const [element, items] of groupItems(value, schema)) {
      // Items that have their keys in common are owned as one.
      node[element] = items.length === 1 ? allOf(items[0], schema.items) : {};
    }
  }
  if (!isEmptySet(node)) node['.'] = {};
  return node;
}

function compareMaps(
  walk: Walk,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  schema: Schema | undefined,
): void {
  const left = isJsonObject(before) ? before : undefined;
  const right = isJsonObject(after) ? after : undefined;
  if (left) {
    for (const name of Object.keys(left)) {
      const other = right && memberOf(right, name, schema);
      if (left[name] !== other)
        compareAt(walk, fieldElement(name), left[name], other, memberSchema(schema, name));
    }
  }
  if (!right) return;
  for (const name of Object.keys(right)) {
    if (left && Object.hasOwn(left, name)) continue;
    compareAt(
      walk,
      fieldElement(name),
      left && memberOf(left, name, schema),
      right[name],
      memberSchema(schema, name),
    );
  }
}

function compareAt(
  walk: Walk,
  element: string,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  schema: Schema | undefined,
): void {
  if (before === after) return;
  walk.path.push(element);
  compareValues(walk, before, after, schema);
  walk.path.pop();
}

function compareLists(
  walk: Walk,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  schema: Schema | undefined,
): void {
  if (!schema) return;
  const left = groupItems(before, schema);
  const right = groupItems(after, schema);
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const [old, young] = [left.get(element) ?? [], right.get(element) ?? []];
    if (old.length <= 1 && young.length <= 1) {
      compareAt(walk, element, old[0], young[0], schema.items);
      continue;
    }
    // Items that have their keys in common are owned as one.
    const path = [...walk.path, element];
    if (old.length >= 2 && young.length >= 2) {
      if (!equalJson(old, young)) insertPath(walk.modified, path);
    } else if (old.length >= 2) {
      if (young.length === 1) compareAt(walk, element, undefined, young[0], schema.items);
      insertPath(walk.removed, path);
    } else {
      if (old.length === 1) compareAt(walk, element, old[0], undefined, schema.items);
      insertPath(walk.added, path);
    }
  }
}

/** Items by their path element; those that can have none (which validation refuses) are left out. */
function groupItems(list: JsonValue | undefined, schema: Schema): Map<string, JsonValue[]> {
  const groups = new Map<string, JsonValue[]>();
  if (!Array.isArray(list)) return groups;
  for (const item of list) {
    const element = itemElementOrNone(item, schema);
    if (element === undefined) continue;
    const group = groups.get(element);
    if (group) group.push(item);
    else groups.set(element, [item]);
  }
  return groups;
}
