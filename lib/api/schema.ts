/**
 * The structural schema of a kind: one source for decoding, pruning, defaulting, validation, the merge rules of
 * strategic merge patch and server-side apply, `explain` and OpenAPI. Built-in kinds have theirs generated
 * (`gen/`); custom resources bring their own. Nodes are shared and may be cyclic (JSONSchemaProps).
 */
export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  /** `int32`, `int64`, `double`, `date-time`, `byte`, `int-or-string`, `quantity`, `micro-time`. */
  format?: string;
  /** The model's name, for OpenAPI references and type names (`io.k8s.api.core.v1.Pod`); absent on anonymous nodes. */
  name?: string;
  description?: string;
  properties?: Readonly<Record<string, Schema>>;
  /** Map values. */
  additionalProperties?: Schema;
  items?: Schema;
  required?: readonly string[];
  /** Fields that the API writes out even when they are empty (`resources: {}`); decoding puts their zero values in. */
  always?: readonly string[];
  /**
   * Scalars that the API leaves out when they are zero (`stdin: false`): it cannot tell that from nothing, as it can for
   * those of which zero says something (`replicas: 0`). Decoding takes them out.
   */
  omitsZero?: readonly string[];
  /** `x-kubernetes-preserve-unknown-fields`: anything goes below. */
  preserveUnknownFields?: boolean;
  nullable?: boolean;
  default?: unknown;
  enum?: readonly string[];
  /** `x-kubernetes-list-type`; absent means atomic. */
  listType?: 'atomic' | 'set' | 'map';
  listMapKeys?: readonly string[];
  /** `x-kubernetes-map-type`; absent means granular. */
  mapType?: 'atomic' | 'granular';
  /** `x-kubernetes-patch-strategy` and `-merge-key`, for strategic merge patch only. */
  patchStrategy?: readonly ('merge' | 'replace' | 'retainKeys')[];
  patchMergeKey?: string;
}
