/**
 * The schemas of the built-in kinds, from `lib/api/gen`. Nodes are made when they are first asked for and shared from
 * then on, so that a process pays only for the kinds it meets.
 */
import type { DefinitionData, Documentation, SchemaData } from './generate/schemas.ts';
import data from './gen/schemas.json' with { type: 'json' };
import type { Schema } from './schema.ts';

const { definitions, kinds } = data as unknown as SchemaData;
const made = new Map<string, Schema>();

/**
 * The schema of a kind that is built in, lists (`PodList`), options (`DeleteOptions`) and reviews included.
 * `group` is empty for the core group.
 */
export function schemaFor(group: string, version: string, kind: string): Schema | undefined {
  const key = `${group}/${version}/${kind}`;
  const name = Object.hasOwn(kinds, key) ? kinds[key] : undefined;
  return name === undefined ? undefined : definition(name);
}

/** Every built-in kind, with the name of its definition. */
export function builtInKinds(): { group: string; version: string; kind: string; definition: string }[] {
  return Object.entries(kinds).map(([key, name]) => {
    const [group = '', version = '', kind = ''] = key.split('/');
    return { group, version, kind, definition: name };
  });
}

/** The names of all definitions, in order: `io.k8s.api.core.v1.Pod`. */
export function definitionNames(): string[] {
  return Object.keys(definitions);
}

/** A definition by its name in OpenAPI. Throws for a name that there is not. */
export function definition(name: string): Schema {
  const found = made.get(name);
  if (found) return found;
  const source = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
  if (!source) throw new Error(`no such definition: ${name}`);
  return make(name, source);
}

/** The text of the API reference. Some hundred kilobytes: read for `explain` and OpenAPI only, and kept by the runtime. */
export async function documentation(): Promise<Documentation> {
  const module = await import('./gen/docs.json', { with: { type: 'json' } });
  return module.default as Documentation;
}

function make(name: string, source: DefinitionData): Schema {
  // No prototype: a field called `constructor` is as unknown as any other.
  const properties = Object.create(null) as Record<string, Schema>;
  const schema: Schema = {
    type: 'object',
    name,
    properties,
    ...(source.required && { required: source.required }),
    ...(source.mapType && { mapType: source.mapType }),
    ...(source.always && { always: source.always }),
    ...(source.omitsZero && { omitsZero: source.omitsZero }),
  };
  made.set(name, schema);
  for (const [field, entry] of Object.entries(source.fields)) {
    if (typeof entry === 'string') {
      properties[field] = resolve(entry);
      continue;
    }
    const [type, { enum: values, ...facts }] = entry;
    const base = resolve(type);
    if (!values) properties[field] = { ...base, ...facts };
    else if (base.items) properties[field] = { ...base, ...facts, items: { ...base.items, enum: values } };
    else if (base.additionalProperties) {
      properties[field] = {
        ...base,
        ...facts,
        additionalProperties: { ...base.additionalProperties, enum: values },
      };
    } else properties[field] = { ...base, ...facts, enum: values };
  }
  return schema;
}

function resolve(type: string): Schema {
  const known = made.get(type) ?? scalars[type];
  if (known) return known;
  if (!type.startsWith('[]') && !type.startsWith('{}')) return definition(type);
  const inner = resolve(type.slice(2));
  const schema: Schema = type.startsWith('[]')
    ? { type: 'array', items: inner }
    : { type: 'object', additionalProperties: inner };
  made.set(type, schema);
  return schema;
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

const scalars: Record<string, Schema> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  byte: { type: 'string', format: 'byte' },
  'date-time': { type: 'string', format: 'date-time', name: `${meta}.Time` },
  'micro-time': { type: 'string', format: 'micro-time', name: `${meta}.MicroTime` },
  quantity: { type: 'string', format: 'quantity', name: 'io.k8s.apimachinery.pkg.api.resource.Quantity' },
  'int-or-string': { format: 'int-or-string', name: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString' },
  any: { preserveUnknownFields: true },
  object: { type: 'object', preserveUnknownFields: true },
};
