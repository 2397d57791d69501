import type { JsonObject, JsonValue } from '../object.ts';
import { isJsonObject } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import { fieldElement, formatPath, itemElement } from './path-element.ts';
import { memberSchema } from './shape.ts';

/**
 * What keeps an applied object from being one of its kind: unknown fields, wrong types, items of one list with the
 * same keys. Each with its path, as in `.spec.replicas: expected numeric (int or float), got string`.
 */
export function appliedErrors(object: JsonObject, schema: Schema): string[] {
  const errors: string[] = [];
  check(errors, [], object, schema);
  return errors;
}

function check(
  errors: string[],
  path: readonly string[],
  value: JsonValue,
  schema: Schema | undefined,
): void {
  if (!schema || value === null) return;
  const fail = (message: string) =>
    errors.push(path.length > 0 ? `${formatPath(path)}: ${message}` : message);
  if (schema.type === 'array') {
    if (Array.isArray(value)) checkItems(errors, path, value, schema);
    else fail(`expected list, got ${typeName(value)}`);
  } else if (schema.type === 'object' || schema.properties || schema.additionalProperties) {
    if (isJsonObject(value)) checkMembers(errors, path, value, schema);
    else fail(`expected map, got ${typeName(value)}`);
  } else {
    const expected = expectedScalar(value, schema);
    if (expected) fail(`expected ${expected}, got ${typeName(value)}`);
  }
}

function checkMembers(errors: string[], path: readonly string[], map: JsonObject, schema: Schema): void {
  const isOpen = schema.preserveUnknownFields || schema.additionalProperties || !schema.properties;
  for (const name of Object.keys(map)) {
    const at = [...path, fieldElement(name)];
    const member = memberSchema(schema, name);
    if (!member && !isOpen) errors.push(`${formatPath(at)}: field not declared in schema`);
    else check(errors, at, map[name] ?? null, member);
  }
}

function checkItems(errors: string[], path: readonly string[], list: JsonValue[], schema: Schema): void {
  const isAssociative = schema.listType === 'map' || schema.listType === 'set';
  const seen = new Set<string>();
  list.forEach((item, index) => {
    if (!isAssociative) {
      check(errors, [...path, `i:${index}`], item, schema.items);
      return;
    }
    let element: string;
    try {
      element = itemElement(item, schema);
    } catch (error) {
      errors.push(`${formatPath(path)}: element ${index}: ${(error as Error).message}`);
      return;
    }
    if (seen.has(element)) {
      errors.push(`${formatPath(path)}: duplicate entries for key ${formatPath([element])}`);
      return;
    }
    seen.add(element);
    check(errors, [...path, element], item, schema.items);
  });
}

/** The name of what was expected, when it is not that. */
function expectedScalar(
  value: JsonValue,
  { type, format, preserveUnknownFields }: Schema,
): string | undefined {
  if (preserveUnknownFields) return undefined;
  if (format === 'int-or-string' || format === 'quantity') {
    return typeof value === 'string' || typeof value === 'number' ? undefined : 'string or number';
  }
  switch (type) {
    case 'string':
      return typeof value === 'string' ? undefined : 'string';
    case 'integer':
    case 'number':
      return typeof value === 'number' ? undefined : 'numeric (int or float)';
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'boolean';
    default:
      return undefined;
  }
}

function typeName(value: JsonValue): string {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'object') return 'map';
  return typeof value;
}
