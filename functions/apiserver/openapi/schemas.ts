/** Writes schemas as OpenAPI has them: one component a named definition, references in between. */
import type { JsonObject } from '../../../lib/api/object.ts';
import type { Schema } from '../../../lib/api/schema.ts';

/** The two versions write references and the types without one type differently. */
export interface Dialect {
  /** `#/components/schemas/` or `#/definitions/` */
  refPrefix: string;
  version: 2 | 3;
}

export interface Gvk {
  group: string;
  version: string;
  kind: string;
}

/** Where the texts and kinds of definitions come from. */
export interface DefinitionFacts {
  description(definition: string): string | undefined;
  fieldDescription(definition: string, field: string): string | undefined;
  kinds(definition: string): readonly Gvk[];
}

/** Collects every definition that is reached from what was asked for. */
export class SchemaWriter {
  readonly #dialect: Dialect;
  readonly #facts: DefinitionFacts;
  readonly #components = new Map<string, JsonObject>();

  constructor(dialect: Dialect, facts: DefinitionFacts) {
    this.#dialect = dialect;
    this.#facts = facts;
  }

  /** All components so far, by name. */
  components(): JsonObject {
    const names = [...this.#components.keys()].sort();
    return Object.fromEntries(names.map((name) => [name, this.#components.get(name) ?? {}]));
  }

  /** A reference to a named definition, which is written out once; anything else in place. */
  write(schema: Schema): JsonObject {
    return schema.name === undefined ? this.#body(schema) : this.reference(schema.name, schema);
  }

  reference(name: string, schema: Schema): JsonObject {
    if (!this.#components.has(name)) {
      // Entered first: definitions may contain themselves.
      this.#components.set(name, {});
      this.#components.set(name, this.#definition(name, schema));
    }
    return { $ref: `${this.#dialect.refPrefix}${name}` };
  }

  #definition(name: string, schema: Schema): JsonObject {
    const description = this.#facts.description(name) ?? schema.description;
    const kinds = this.#facts.kinds(name);
    return {
      ...(description && { description }),
      // What belongs to the field that led here and not to the type stays with the field.
      ...this.#body(
        { ...schema, default: undefined, patchStrategy: undefined, patchMergeKey: undefined },
        name,
      ),
      ...(kinds.length > 0 && { 'x-kubernetes-group-version-kind': kinds.map((kind) => ({ ...kind })) }),
    };
  }

  #body(schema: Schema, definition?: string): JsonObject {
    return {
      ...this.#type(schema),
      ...(schema.properties && { properties: this.#properties(schema.properties, definition) }),
      ...(schema.required && schema.required.length > 0 && { required: [...schema.required] }),
      ...(schema.items && { items: this.write(schema.items) }),
      ...(schema.additionalProperties && { additionalProperties: this.write(schema.additionalProperties) }),
      ...(schema.enum && { enum: [...schema.enum] }),
      ...(schema.nullable && this.#dialect.version === 3 && { nullable: true }),
      ...extensions(schema),
    };
  }

  #properties(properties: Readonly<Record<string, Schema>>, definition: string | undefined): JsonObject {
    return Object.fromEntries(
      Object.entries(properties).map(([field, schema]) => {
        const known = definition === undefined ? undefined : this.#facts.fieldDescription(definition, field);
        return [
          field,
          this.#property(schema, known ?? (schema.name === undefined ? schema.description : undefined)),
        ];
      }),
    );
  }

  #property(schema: Schema, description: string | undefined): JsonObject {
    const written = this.write(schema);
    const around: JsonObject = {
      ...(description && { description }),
      ...(schema.name !== undefined &&
        extensions({ ...schema, mapType: undefined, preserveUnknownFields: undefined })),
    };
    if (written.$ref === undefined || Object.keys(around).length === 0) return { ...around, ...written };
    // Beside a $ref nothing counts in OpenAPI 3.0; version 2 has always been read as if it did.
    return this.#dialect.version === 3 ? { ...around, allOf: [written] } : { ...around, ...written };
  }

  #type({ type, format }: Schema): JsonObject {
    if (format === 'int-or-string') {
      return this.#dialect.version === 3
        ? { format, oneOf: [{ type: 'integer' }, { type: 'string' }] }
        : { type: 'string', format };
    }
    if (format === 'quantity') {
      return this.#dialect.version === 3
        ? { oneOf: [{ type: 'string' }, { type: 'number' }] }
        : { type: 'string' };
    }
    if (format === 'micro-time') return { type: 'string', format: 'date-time' };
    return { ...(type && { type }), ...(format && { format }) };
  }
}

function extensions(schema: Schema): JsonObject {
  return {
    ...(schema.default !== undefined && { default: schema.default as JsonObject }),
    ...(schema.listType && { 'x-kubernetes-list-type': schema.listType }),
    ...(schema.listMapKeys && { 'x-kubernetes-list-map-keys': [...schema.listMapKeys] }),
    ...(schema.mapType && { 'x-kubernetes-map-type': schema.mapType }),
    ...(schema.patchMergeKey && { 'x-kubernetes-patch-merge-key': schema.patchMergeKey }),
    ...(schema.patchStrategy && { 'x-kubernetes-patch-strategy': schema.patchStrategy.join(',') }),
    ...(schema.preserveUnknownFields && { 'x-kubernetes-preserve-unknown-fields': true }),
  };
}
