import type { KubeObject, Persisted } from '../api/object.ts';

/**
 * How every part of Kumulus that is not the API server reaches objects. The in-process adapter runs the whole request
 * pipeline (authorization and admission included) without a network hop; the HTTP adapter speaks to any conformant
 * cluster. Errors are KumulusErrors with the server's reason, message and details.
 */
export interface KubeClient {
  get<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options?: GetOptions,
  ): Promise<Persisted<T>>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /** Ends without an error when the signal aborts or the server ends the watch; throws `Expired` on 410. */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** The namespace is the object's. */
  create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options?: WriteOptions,
  ): Promise<Persisted<T>>;
  /** Conditional on `metadata.resourceVersion` where the object carries one. */
  update<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options?: WriteOptions,
  ): Promise<Persisted<T>>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<Persisted<T>>;
  delete<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  deleteCollection<T extends KubeObject>(
    resource: Resource<T>,
    options?: ListOptions & { delete?: DeleteOptions },
  ): Promise<void>;
  /** A create on a subresource whose body is of another kind (`pods/binding`, `serviceaccounts/token`, `pods/eviction`). */
  createSubresource<B extends KubeObject, R extends KubeObject>(
    resource: Resource<KubeObject>,
    ref: ObjectRef,
    subresource: string,
    body: B,
  ): Promise<R>;
  /** Every resource type that the server serves now, each in its group's preferred version. */
  discover(): Promise<Discovery>;
}

export interface Discovery {
  resources: DiscoveredResource[];
  /** Group versions whose server could not be asked, and why: what they serve is unknown, not gone. */
  failures: string[];
}

export interface DiscoveredResource extends Resource<KubeObject> {
  verbs: readonly string[];
}

/** A resource type by its address; `T` is the type of its objects. The built-in ones are in `resources.ts`. */
export interface Resource<T extends KubeObject> {
  group: string;
  version: string;
  /** Plural, lower case: `pods`. */
  plural: string;
  kind: string;
  namespaced: boolean;
  /** Never set; carries the type. */
  readonly object?: T;
}

export interface ObjectRef {
  namespace?: string;
  name: string;
}

export interface GetOptions {
  subresource?: string;
  resourceVersion?: string;
  /** Further parameters, as aggregated APIs take them. */
  query?: Readonly<Record<string, string>>;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface WatchOptions extends Omit<ListOptions, 'limit' | 'continue'> {
  signal: AbortSignal;
  allowWatchBookmarks?: boolean;
  timeoutSeconds?: number;
}

export interface WriteOptions {
  subresource?: string;
  fieldManager?: string;
  dryRun?: boolean;
  /** Server-side apply only. */
  force?: boolean;
}

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
}

export type Patch =
  | { type: 'json'; operations: unknown[] }
  | { type: 'merge'; patch: object }
  | { type: 'strategic'; patch: object }
  | { type: 'apply'; patch: object };

export interface ObjectList<T> {
  items: Persisted<T>[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Persisted<T> }
  | { type: 'BOOKMARK'; resourceVersion: string };
