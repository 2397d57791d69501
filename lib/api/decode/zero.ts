import type { JsonValue } from '../object.ts';
import type { Schema } from '../schema.ts';

/**
 * What a field of this type holds when nothing was said: as the API writes it out, but for lists, which are empty
 * here where Go's are null, so that whoever reads one need not ask.
 */
export function zeroOf(schema: Schema): JsonValue {
  switch (schema.format) {
    case 'int-or-string':
      return 0;
    case 'quantity':
      return '0';
    case 'date-time':
    case 'micro-time':
    case 'byte':
      return null;
    default:
      break;
  }
  switch (schema.type) {
    case 'string':
      return '';
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'object': {
      if (!schema.properties) return null;
      const object: { [key: string]: JsonValue } = {};
      fillAlways(object, schema);
      return object;
    }
    default:
      return null;
  }
}

/** Adds the fields that are always written out and are not there. */
export function fillAlways(object: { [key: string]: JsonValue }, schema: Schema): void {
  if (!schema.always) return;
  for (const field of schema.always) {
    const property = schema.properties?.[field];
    if (object[field] === undefined && property) object[field] = zeroOf(property);
  }
}
