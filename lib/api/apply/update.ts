import { rfc3339 } from '../../clock.ts';
import type { ManagedFieldsEntry } from '../gen/types.ts';
import type { JsonObject, KubeObject } from '../object.ts';
import type { Schema } from '../schema.ts';
import { isSame } from './compare.ts';
import { fieldsOfNew } from './created.ts';
import { type FieldSet, isEmptySet, noFields, subtractTrees, unionSets } from './field-set.ts';
import {
  compareText,
  identityOf,
  type Managers,
  seconds,
  startingManagers,
  writeManagers,
} from './managers.ts';
import { type Scope, takeOwnership, withoutSystemFields } from './ownership.ts';

/** What create, update and patch say of themselves. */
export interface UpdateRequest<T extends KubeObject> {
  /** Absent on create. */
  live: KubeObject | undefined;
  /** What is to be stored, with the `managedFields` that the client sent. Is not changed. */
  updated: T;
  /** `fieldManager`, or what `managerName` makes of the user agent. */
  manager: string;
  apiVersion: string;
  subresource?: string;
  schema: Schema;
  /** See `ignoredFields`. */
  ignored?: FieldSet;
  convert?: Scope['convert'];
  /** Milliseconds since the epoch. */
  now: number;
}

/** More updaters than this are merged, the oldest first. */
const maxUpdaters = 10;

/**
 * The object with its `managedFields` brought up to date after a create, an update or a patch: the manager comes to
 * own what it changed, nobody owns any more what others changed or removed. An object that is not tracked yet stays so.
 */
export function updateManagers<T extends KubeObject>(request: UpdateRequest<T>): T {
  const { live, updated, subresource, apiVersion, now } = request;
  const managers = startingManagers(
    live?.metadata.managedFields,
    updated.metadata.managedFields,
    subresource,
  );
  if (managers.size === 0 && live?.metadata.uid) return withManagedFields(updated, undefined);
  const scope = { ...request, ignored: request.ignored ?? noFields };
  const writer: Writer = {
    manager: request.manager || 'unknown',
    operation: 'Update',
    apiVersion,
    subresource,
    time: rfc3339(now),
  };
  if (!live && managers.size === 0) trackCreation(scope, bare(updated), managers, writer);
  else trackUpdate(scope, bare(live), bare(updated), managers, writer);
  mergeOldUpdaters(managers);
  const entries = writeManagers(managers);
  // One and the same list where nothing has changed, so that the caller can tell at a glance.
  const before = live?.metadata.managedFields;
  const isUnchanged =
    entries?.length === before?.length && entries?.every((entry, index) => entry === before?.[index]);
  return withManagedFields(updated, isUnchanged ? before : entries);
}

interface Writer {
  manager: string;
  operation: 'Update';
  apiVersion: string;
  subresource: string | undefined;
  time: string;
}

export function trackUpdate(
  scope: Scope,
  before: JsonObject,
  after: JsonObject,
  managers: Managers,
  writer: Writer,
): void {
  const { comparison } = takeOwnership(scope, before, after, managers, undefined, true);
  if (isSame(comparison)) return;
  const changed = unionSets(comparison.modified, comparison.added);
  const fields = withoutSystemFields(subtractTrees(changed, scope.ignored));
  if (isEmptySet(fields)) return;
  const identity = identityOf(writer);
  const owned = managers.get(identity)?.fields ?? noFields;
  // The larger set first: it is in order already.
  managers.set(identity, { ...writer, fields: unionSets(owned, fields) });
}

/** What `trackUpdate` comes to where there was nothing and nobody. */
function trackCreation(scope: Scope, created: JsonObject, managers: Managers, writer: Writer): void {
  const fields = subtractTrees(fieldsOfNew(created, scope.schema), scope.ignored);
  if (!isEmptySet(fields)) managers.set(identityOf(writer), { ...writer, fields });
}

/** The state of an object without its `managedFields`, which nobody owns. */
export function bare(object: KubeObject | undefined): JsonObject {
  if (!object) return {};
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata } as unknown as JsonObject;
}

export function withManagedFields<T extends KubeObject>(
  object: T,
  managedFields: ManagedFieldsEntry[] | undefined,
): T {
  // What is applied may leave its metadata out altogether.
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  return { ...object, metadata: { ...metadata, ...(managedFields && { managedFields }) } };
}

/** Merges the oldest updaters of a version into one called `ancient-changes` until there are few enough. */
function mergeOldUpdaters(managers: Managers): void {
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update');
  let count = updaters.length;
  if (count <= maxUpdaters) return;
  updaters.sort(([aId, a], [bId, b]) => seconds(a.time) - seconds(b.time) || compareText(aId, bId));
  const firstOf = new Map<string, string>();
  for (const [identity, updater] of updaters) {
    if (count <= maxUpdaters) return;
    const { apiVersion, fields, time } = updater;
    const first = firstOf.get(apiVersion);
    if (first === undefined) {
      firstOf.set(apiVersion, identity);
      continue;
    }
    const ancient = {
      manager: 'ancient-changes',
      operation: 'Update' as const,
      apiVersion,
      subresource: undefined,
    };
    const bucket = identityOf(ancient);
    const oldest = managers.get(bucket) ?? managers.get(first);
    if (!managers.has(bucket)) managers.delete(first);
    managers.delete(identity);
    managers.set(bucket, { ...ancient, time, fields: unionSets(fields, oldest?.fields ?? noFields) });
    count--;
  }
}

/**
 * What update endpoints reset: the status on the object itself, all else that is the user's on its status.
 * @param statusResets See `KindRules`.
 */
export function ignoredFields(
  subresource: string | undefined,
  hasStatus: boolean,
  statusResets: FieldSet = { 'f:spec': {} },
): FieldSet {
  if (subresource === 'status') return statusResets;
  return subresource === undefined && hasStatus ? { 'f:status': {} } : noFields;
}
