/** The definitions behind a resource's operations. */
import type { JsonObject } from '../../../lib/api/object.ts';
import type { Schema } from '../../../lib/api/schema.ts';
import { builtInKinds, definition, schemaFor } from '../../../lib/api/schemas.ts';
import type { ResourceDefinition } from '../registry/definition.ts';
import type { DefinitionFacts, Gvk, SchemaWriter } from './schemas.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

export type Texts = Readonly<
  Record<string, { description: string; fields: Readonly<Record<string, string>> }>
>;

/** The texts and kinds of built-in definitions, and the kinds of those that custom resources bring. */
export function definitionFacts(texts: Texts, definitions: readonly ResourceDefinition[]): DefinitionFacts {
  const kinds = new Map<string, Gvk[]>();
  const add = (name: string, gvk: Gvk) => {
    const known = kinds.get(name) ?? [];
    if (
      !known.some(
        (other) => other.group === gvk.group && other.version === gvk.version && other.kind === gvk.kind,
      )
    ) {
      kinds.set(name, [...known, gvk]);
    }
  };
  for (const { group, version, kind, definition: name } of builtInKinds())
    add(name, { group, version, kind });
  for (const resource of definitions) {
    const { group, version, kind, listKind } = resource;
    add(definitionName(resource, kind), { group, version, kind });
    add(definitionName(resource, listKind), { group, version, kind: listKind });
  }
  return {
    description: (name) => texts[name]?.description,
    fieldDescription: (name, field) => texts[name]?.fields[field],
    kinds: (name) => kinds.get(name) ?? [],
  };
}

/** `io.k8s.api.core.v1.Pod`, or `com.example.stable.v1.CronTab` for what is not built in. */
function definitionName(resource: Pick<ResourceDefinition, 'group' | 'version'>, kind: string): string {
  const { group, version } = resource;
  const builtIn = schemaFor(group, version, kind)?.name;
  return builtIn ?? [...group.split('.').reverse(), version, kind].filter((part) => part !== '').join('.');
}

export function objectRef(writer: SchemaWriter, gvk: Gvk, resource: ResourceDefinition): JsonObject {
  const own = gvk.kind === resource.kind && gvk.group === resource.group && gvk.version === resource.version;
  const schema = own ? resource.schema : schemaFor(gvk.group, gvk.version, gvk.kind);
  return schema ? writer.reference(schema.name ?? definitionName(gvk, gvk.kind), schema) : { type: 'object' };
}

export function listRef(writer: SchemaWriter, resource: ResourceDefinition): JsonObject {
  const { group, version, listKind, kind } = resource;
  const schema = schemaFor(group, version, listKind) ?? listSchema(resource);
  objectRef(writer, { group, version, kind }, resource);
  return writer.reference(schema.name ?? definitionName(resource, listKind), schema);
}

/** What the list of a kind that is not built in looks like. */
function listSchema(resource: ResourceDefinition): Schema {
  const { kind, listKind, schema } = resource;
  return {
    type: 'object',
    name: definitionName(resource, listKind),
    description: `${listKind} is a list of ${kind}`,
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      items: { type: 'array', items: { ...schema, name: schema.name ?? definitionName(resource, kind) } },
      kind: { type: 'string' },
      metadata: definition(`${meta}.ListMeta`),
    },
  };
}

export function deleteOptionsRef(writer: SchemaWriter): JsonObject {
  return writer.write(definition(`${meta}.DeleteOptions`));
}

export function statusRef(writer: SchemaWriter): JsonObject {
  return writer.write(definition(`${meta}.Status`));
}

export function patchRef(writer: SchemaWriter): JsonObject {
  return writer.reference(`${meta}.Patch`, {
    type: 'object',
    description: 'A change to an object, in the form that the Content-Type names.',
  });
}
