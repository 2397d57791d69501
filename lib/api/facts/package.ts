import type { Schema } from '../schema.ts';

/**
 * What the published model lacks of one package of API types, kept by hand: which package a type is of, and what the
 * API reference says of its fields beyond their type. Sources: the API reference and the OpenAPI document of v1.36.
 */
export interface PackageFacts {
  /** As definitions are named in OpenAPI: `io.k8s.api.core.v1`. */
  name: string;
  /** The API group that its kinds are served in. */
  group: string;
  version: string;
  /** Names, separated by white space. */
  types: string;
  /** Fields, by type, that every answer holds even when they are empty: `resources: {}`, `endpoints: null`. */
  always: Readonly<Record<string, string>>;
  facts: Readonly<Record<string, Readonly<Record<string, FieldFacts>>>>;
}

/** Of one field; under the name `.`, of the type itself. */
export type FieldFacts = Pick<
  Schema,
  'listType' | 'listMapKeys' | 'mapType' | 'patchStrategy' | 'patchMergeKey' | 'enum' | 'default'
> & {
  /** The model calls quantities plain strings. Of a list or a map: its values. */
  format?: 'quantity';
};
