/** Objects of a kind as types of CEL: what is known of their fields by the schema (KEP-3488, "Type checking"). */
import type { Schema } from '../api/schema.ts';
import { bool, bytes, type CelType, double, dyn, int, listOf, mapOf, string, timestamp } from './types.ts';
import { reservedWords } from './reserved-words.ts';

export interface DeclaredTypes {
  type: CelType;
  /** The fields of every type that `type` is made of, by the type's name. */
  objects: ReadonlyMap<string, ReadonlyMap<string, CelType>>;
}

/** `name` is the type's; the types below it are named by their path: `Deployment.spec.template`. */
export function declaredTypes(schema: Schema, name: string): DeclaredTypes {
  const objects = new Map<string, ReadonlyMap<string, CelType>>();
  // Schemas are shared and may be cyclic; what has the same fields is the same type.
  const named = new Map<NonNullable<Schema['properties']>, CelType>();
  const typeOf = (node: Schema, path: string): CelType => {
    if (node.preserveUnknownFields) return dyn;
    if (node.type === 'array') return listOf(node.items ? typeOf(node.items, `${path}.@idx`) : dyn);
    if (node.type !== 'object') return scalarType(node);
    if (node.additionalProperties) return mapOf(string, typeOf(node.additionalProperties, `${path}.@elem`));
    const { properties } = node;
    if (!properties) return dyn;
    const known = named.get(properties);
    if (known) return known;
    const type: CelType = { kind: 'object', name: path };
    const fields = new Map<string, CelType>();
    named.set(properties, type);
    objects.set(path, fields);
    for (const [field, inner] of Object.entries(properties)) {
      const at = typeOf(inner, `${path}.${field}`);
      fields.set(field, at);
      fields.set(escapedField(field), at);
    }
    return type;
  };
  return { type: typeOf(schema, name), objects };
}

function scalarType({ type, format }: Schema): CelType {
  // Both may be a number as well as text.
  if (format === 'quantity' || format === 'int-or-string') return dyn;
  switch (type) {
    case 'boolean':
      return bool;
    case 'integer':
      return int;
    case 'number':
      return double;
    case 'string':
      if (format === 'date-time' || format === 'micro-time') return timestamp;
      return format === 'byte' ? bytes : string;
    default:
      return dyn;
  }
}

/** How a field is written whose name CEL keeps for itself, or cannot read: `__namespace__`, `x__dash__y`. */
function escapedField(name: string): string {
  if (reservedWords.has(name)) return `__${name}__`;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}
