import type { Schema } from '../../../lib/api/schema.ts';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** What the API says of one resource type: all that discovery, OpenAPI, Table output and the generic handler need to know. */
export interface ResourceDefinition {
  /** Empty for the core group. */
  group: string;
  version: string;
  /** `pods` */
  plural: string;
  singular: string;
  kind: string;
  /** `PodList` */
  listKind: string;
  namespaced: boolean;
  shortNames: readonly string[];
  categories: readonly string[];
  verbs: readonly Verb[];
  schema: Schema;
  subresources: readonly SubresourceDefinition[];
  /** Every request for it is answered with this warning (KEP-1693). */
  deprecation?: string;
  /** Where objects are stored in another group or version than they are served in here. */
  storedAs?: { group: string; version: string };
}

export interface SubresourceDefinition {
  /** `status`, `scale`, `binding`, `log`, `exec`, `token` */
  name: string;
  /** Of the body, where it is not the parent's: `autoscaling/v1 Scale`. */
  group: string;
  version: string;
  kind: string;
  verbs: readonly Verb[];
}
