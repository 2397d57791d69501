import type { JsonObject, JsonValue } from '../object.ts';
import { isJsonObject } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import { type FieldSet, type FieldSetBuilder, insertPath } from './field-set.ts';
import { fieldElement, itemElement } from './path-element.ts';
import { isEmptyValue, isNamedField, memberSchema, shapeOf } from './shape.ts';

/** Every leaf field and item that an object mentions: what an apply request claims. */
export function toFieldSet(object: JsonObject, schema: Schema | undefined): FieldSet {
  const set: FieldSetBuilder = {};
  visit(set, [], object, schema);
  return set;
}

function visit(set: FieldSetBuilder, path: string[], value: JsonValue, schema: Schema | undefined): void {
  switch (shapeOf(schema, value)) {
    case 'leaf':
      insertPath(set, path);
      return;
    case 'map':
      if (isJsonObject(value)) visitMembers(set, path, value, schema);
      return;
    case 'list':
      if (Array.isArray(value) && schema) visitItems(set, path, value, schema);
  }
}

function visitMembers(
  set: FieldSetBuilder,
  path: string[],
  map: JsonObject,
  schema: Schema | undefined,
): void {
  for (const name of Object.keys(map)) {
    const value = map[name] ?? null;
    path.push(fieldElement(name));
    visit(set, path, value, memberSchema(schema, name));
    const isEmptyMap = value === null || (isJsonObject(value) && isEmptyValue(value));
    if (isEmptyMap || !isNamedField(schema, name)) insertPath(set, path);
    path.pop();
  }
}

function visitItems(set: FieldSetBuilder, path: string[], list: JsonValue[], schema: Schema): void {
  const elements = list.map((item) => itemElement(item, schema));
  const counts = new Map<string, number>();
  for (const element of elements) counts.set(element, (counts.get(element) ?? 0) + 1);
  list.forEach((item, index) => {
    const element = elements[index] ?? '';
    path.push(element);
    if (counts.get(element) === 1) visit(set, path, item, schema.items ?? {});
    insertPath(set, path);
    path.pop();
  });
}
