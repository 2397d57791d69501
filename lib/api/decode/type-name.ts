import type { Schema } from '../schema.ts';

const scalarNames: Record<string, string> = {
  int32: 'int32',
  int64: 'int64',
  double: 'float64',
  byte: '[]uint8',
  'date-time': 'v1.Time',
  'micro-time': 'v1.MicroTime',
  quantity: 'resource.Quantity',
  'int-or-string': 'intstr.IntOrString',
};

/** A type as the API's messages name it, in Go's notation: `[]v1.Container`, `map[string]string`, `int32`. */
export function typeName(schema: Schema): string {
  if (schema.format && scalarNames[schema.format]) return scalarNames[schema.format] ?? '';
  if (schema.items) return `[]${typeName(schema.items)}`;
  if (schema.additionalProperties) return `map[string]${typeName(schema.additionalProperties)}`;
  if (schema.name) return schema.name.split('.').slice(-2).join('.');
  if (schema.type === 'boolean') return 'bool';
  return schema.type ?? 'interface {}';
}

/** `PodSpec`, of `io.k8s.api.core.v1.PodSpec`. */
export function structName(schema: Schema): string {
  return schema.name?.slice(schema.name.lastIndexOf('.') + 1) ?? '';
}

/** What a JSON value is, in the same messages. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

/** What apimachinery's converter says of a value of another type. */
export function cannotRestore(value: unknown, schema: Schema): string {
  const found = reflectedKind(value);
  if (schema.properties) return `cannot restore struct from: ${found}`;
  if (schema.additionalProperties) return `cannot restore map from ${found}`;
  if (schema.type === 'array' || schema.format === 'byte') return `cannot restore slice from ${found}`;
  const wanted = typeName(schema);
  const isConvertible = typeof value === 'number' && (schema.type !== 'string' || Number.isInteger(value));
  if (!isConvertible || schema.type === 'boolean') return `unrecognized type: ${wanted}`;
  return `cannot convert ${found} to ${wanted}`;
}

function reflectedKind(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'string' ? 'string' : 'map';
}
