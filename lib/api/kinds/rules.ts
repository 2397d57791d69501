import type { FieldSet } from '../apply/field-set.ts';
import type { KubeObject } from '../object.ts';
import type { UserInfo } from '../../http/types.ts';
import type { FieldError } from '../validate/field-error.ts';

/** What the rules may know of the request that writes. */
export interface WriteRequest {
  user: UserInfo;
  /** Milliseconds since the epoch. */
  now: number;
}

/**
 * What the API does with an object of one kind between decoding and the store: upstream's create and update
 * strategies, defaulting and validation. All functions that change an object change it in place; objects have been
 * decoded by the kind's schema, so that fields that are always written out are there.
 */
export interface KindRules<T extends KubeObject = KubeObject> {
  namespaced: boolean;
  /** Brings in code that validation needs and that no other request should wait for; validation comes after it. */
  load?(): Promise<void>;
  /** Fills in what was left out. Doing it twice is the same as once. Runs after each decoding and each patch. */
  applyDefaults(object: T): void;
  /**
   * Drops what a creation may not say, `status` above all. Name and uid are set. Runs before `validateCreate`, and may
   * run again on the same parts under another generated name: it replaces parts rather than changing them.
   */
  prepareForCreate?(object: T, request: WriteRequest): void;
  /** Keeps what an update of the object itself may not touch. Runs before `validateUpdate`. */
  prepareForUpdate?(object: T, old: T): void;
  validateCreate(object: T): FieldError[];
  validateUpdate(object: T, old: T): FieldError[];
  /** For an update of `…/status`: keeps everything but the status. Kinds without it have no status subresource. */
  prepareForStatusUpdate?(object: T, old: T, request: WriteRequest): void;
  validateStatusUpdate?(object: T, old: T, request: WriteRequest): FieldError[];
  /** What nobody comes to own by an update of `…/status`, as it is reset; the spec where nothing is said. */
  statusResets?: FieldSet;
  /** Texts of HTTP `Warning` headers; `old` is undefined for a creation. */
  warnings?(object: T, old: T | undefined): string[];
  /**
   * Whether an update starts a new generation. Kinds that have it are created with `metadata.generation` 1; the
   * others keep none. Asked after `prepareForUpdate`.
   */
  generationChanged?(object: T, old: T): boolean;
  /** Whether a PUT of an object that is not there creates it. */
  allowCreateOnUpdate?: boolean;
  /** Whether an update without `resourceVersion` overwrites whatever is there. */
  allowUnconditionalUpdate?: boolean;
}

/** Checks the rules of a kind against its type, and forgets the type. */
export function rules<T extends KubeObject>(ofKind: KindRules<T>): KindRules {
  return ofKind as unknown as KindRules;
}

interface WithStatus extends KubeObject {
  status?: object;
}

/** An update of an object leaves its status alone. */
export function keepStatus(object: WithStatus, old: WithStatus): void {
  if (old.status === undefined) delete object.status;
  else object.status = old.status;
}

interface WithSpec extends KubeObject {
  spec: object;
}

/** An update of a status leaves the spec alone; of the metadata, labels and annotations follow the request. */
export function keepSpec(object: WithSpec, old: WithSpec): void {
  object.spec = old.spec;
}
