import type { JsonObject, JsonValue } from '../object.ts';
import { isJsonObject } from '../patch/index.ts';
import type { Schema } from '../schema.ts';

/**
 * How a value is owned: `leaf` as one (scalars, atomic lists and maps), `map` field by field, `list` item by item.
 * Where nothing is known of a value, maps are owned field by field and lists as one.
 */
export type Shape = 'leaf' | 'map' | 'list';

export function shapeOf(schema: Schema | undefined, ...values: (JsonValue | undefined)[]): Shape {
  if (!schema || (schema.preserveUnknownFields && !schema.properties)) {
    const known = values.filter((value) => value !== undefined && value !== null);
    return known.length > 0 && known.every(isJsonObject) ? 'map' : 'leaf';
  }
  if (schema.type === 'array')
    return schema.listType === 'map' || schema.listType === 'set' ? 'list' : 'leaf';
  if (schema.type !== 'object' && !schema.properties && !schema.additionalProperties) return 'leaf';
  return schema.mapType === 'atomic' ? 'leaf' : 'map';
}

/** The schema of a member of a map. */
export function memberSchema(schema: Schema | undefined, name: string): Schema | undefined {
  const properties = schema?.properties;
  if (properties && Object.hasOwn(properties, name)) return properties[name];
  return schema?.additionalProperties;
}

/** Whether a member is a field that the schema names, and not the key of a map. */
export function isNamedField(schema: Schema | undefined, name: string): boolean {
  return schema?.properties !== undefined && Object.hasOwn(schema.properties, name);
}

/**
 * Optional fields that hold a struct and no pointer to one in the API's own types: they are always there, be it empty,
 * so that nobody owns the field itself. What is required is always there too, and so are the parts of a root.
 */
const embedded: Readonly<Record<string, readonly string[]>> = {
  'io.k8s.api.apps.v1.DaemonSetSpec': ['updateStrategy'],
  'io.k8s.api.apps.v1.DeploymentSpec': ['strategy'],
  'io.k8s.api.apps.v1.StatefulSetSpec': ['updateStrategy'],
  'io.k8s.api.batch.v1.JobTemplateSpec': ['metadata', 'spec'],
  'io.k8s.api.core.v1.Container': ['resources'],
  'io.k8s.api.core.v1.EphemeralContainer': ['resources'],
  'io.k8s.api.core.v1.NodeStatus': ['daemonEndpoints', 'nodeInfo'],
  'io.k8s.api.core.v1.NodeDaemonEndpoints': ['kubeletEndpoint'],
  'io.k8s.api.core.v1.PersistentVolumeClaimSpec': ['resources'],
  'io.k8s.api.core.v1.PersistentVolumeClaimTemplate': ['metadata'],
  'io.k8s.api.core.v1.PodTemplate': ['template'],
  'io.k8s.api.core.v1.PodTemplateSpec': ['metadata', 'spec'],
  'io.k8s.api.core.v1.ServiceStatus': ['loadBalancer'],
  'io.k8s.api.networking.v1.IngressStatus': ['loadBalancer'],
};

const presentFields = new WeakMap<Schema, ReadonlySet<string>>();
const empty: JsonObject = {};

function alwaysPresent(schema: Schema): ReadonlySet<string> {
  let fields = presentFields.get(schema);
  if (!fields) {
    const isRoot = isNamedField(schema, 'apiVersion') && isNamedField(schema, 'kind');
    const parts = isRoot ? ['metadata', 'spec', 'status'] : [];
    const structs = schema.name === undefined ? [] : (embedded[schema.name] ?? []);
    fields = new Set(
      [...parts, ...structs, ...(schema.required ?? [])].filter((name) => isNamedField(schema, name)),
    );
    presentFields.set(schema, fields);
  }
  return fields;
}

/** A member as the API's own types have it: what is always there is, though JSON may leave it out. */
export function memberOf(map: JsonObject, name: string, schema: Schema | undefined): JsonValue | undefined {
  const value = Object.hasOwn(map, name) ? map[name] : undefined;
  if (value !== undefined || !schema?.properties || !alwaysPresent(schema).has(name)) return value;
  const shape = shapeOf(memberSchema(schema, name));
  return shape === 'map' ? empty : shape === 'list' ? null : undefined;
}

export function isEmptyValue(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value)
    ? value.length === 0
    : typeof value === 'object' && Object.keys(value).length === 0;
}
