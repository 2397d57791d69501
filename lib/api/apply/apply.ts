import { rfc3339 } from '../../clock.ts';
import { KumulusError, messageOf } from '../../errors.ts';
import type { JsonObject, JsonValue, KubeObject } from '../object.ts';
import { equalJson, isJsonObject, setKey } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import { appliedErrors } from './check-applied.ts';
import { conflictError, type OwnedFields } from './conflict.ts';
import { type FieldSet, isEmptySet, noFields, subtractSets, subtractTrees } from './field-set.ts';
import { lastAppliedFields, withLastApplied } from './last-applied.ts';
import { identityOf, type Managers, readManagers, writeManagers } from './managers.ts';
import { type Scope, takeOwnership, withoutSystemFields } from './ownership.ts';
import { mergeApplied } from './merge.ts';
import { pruneDropped } from './prune.ts';
import { toFieldSet } from './to-field-set.ts';
import { bare, trackUpdate, withManagedFields } from './update.ts';

/** A patch of type `application/apply-patch+yaml`. */
export interface ApplyRequest<T extends KubeObject> {
  /** Absent when the object is created by it. */
  live: T | undefined;
  /** The body as it came, parsed. Is not changed. */
  applied: JsonObject;
  manager: string;
  /** Take over what others own. */
  force: boolean;
  group: string;
  version: string;
  kind: string;
  subresource?: string;
  schema: Schema;
  /** See `ignoredFields`. */
  ignored?: FieldSet;
  convert?: Scope['convert'];
  /** Milliseconds since the epoch. */
  now: number;
}

/**
 * Server-side apply (KEP-555): merges what is applied into the live object, takes away what its manager applied before
 * and does not any more, and records who owns what.
 * @returns The object to store; the very live one when nothing has changed, managed fields included.
 * @throws KumulusError BadRequest when the body is no object of the kind; Conflict with a cause a field when it gives
 *   other values to fields that others own and `force` is not set.
 */
export function apply<T extends KubeObject>(request: ApplyRequest<T>): T {
  const { live, manager, version, group } = request;
  checkBody(request);
  const scope: Scope = {
    apiVersion: group === '' ? version : `${group}/${version}`,
    schema: request.schema,
    ignored: request.ignored ?? noFields,
    ...(request.convert && { convert: request.convert }),
  };
  const before = bare(live);
  const managers = liveManagers(live, before, scope, request.now);
  try {
    return applyAs(request, scope, before, new Map(managers), request.force);
  } catch (error) {
    // Only what kubectl itself applied before is handed over by itself; others opt out by their name.
    if (!(error instanceof ConflictFound) || manager !== 'kubectl') throw asApiError(error, request);
    const allowed = lastAppliedFields(before, scope);
    const left = error.conflicts.map((conflict) => ({
      ...conflict,
      fields: subtractSets(conflict.fields, allowed),
    }));
    const stillOwned = left.filter(({ fields }) => !isEmptySet(fields));
    if (stillOwned.length > 0) throw conflictError(stillOwned);
  }
  try {
    return applyAs(request, scope, before, new Map(managers), true);
  } catch (error) {
    throw asApiError(error, request);
  }
}

/** Thrown inside only, so that `kubectl` gets its second chance. */
class ConflictFound extends Error {
  readonly conflicts: readonly OwnedFields[];

  constructor(conflicts: readonly OwnedFields[]) {
    super('conflict');
    this.conflicts = conflicts;
  }
}

function applyAs<T extends KubeObject>(
  request: ApplyRequest<T>,
  scope: Scope,
  before: JsonObject,
  managers: Managers,
  force: boolean,
): T {
  const { live, applied, manager, subresource } = request;
  const applier = { manager, operation: 'Apply' as const, apiVersion: scope.apiVersion, subresource };
  const identity = identityOf(applier);
  const last = managers.get(identity);
  const merged = mergeApplied(before, applied, scope.schema);
  const claimed = subtractTrees(toFieldSet(applied, scope.schema), scope.ignored);
  managers.set(identity, { ...applier, time: last?.time, fields: claimed });
  const rest = pruneDropped(scope, merged, managers, last, claimed);
  // A map that lost all that it had stays, empty, where it is applied as empty.
  const pruned = rest === merged ? merged : mergeApplied(rest, applied, scope.schema);

  const { conflicts } = takeOwnership(scope, before, pruned, managers, identity, force);
  if (conflicts.size > 0 && !force) {
    throw new ConflictFound(
      [...conflicts].flatMap(([id, fields]) => {
        const owner = managers.get(id);
        return owner ? [{ identity: id, owner, fields }] : [];
      }),
    );
  }
  const complete = withoutNulls(pruned) as JsonObject;
  const isSameObject = live !== undefined && equalJson(before, complete);
  const fields = withoutSystemFields(claimed);
  if (isEmptySet(fields)) managers.delete(identity);
  else {
    const unchanged = last && equalJson(last.fields as JsonValue, fields as JsonValue) ? last : undefined;
    const time = isSameObject && last ? last.time : rfc3339(request.now);
    managers.set(identity, {
      ...applier,
      time,
      fields: unchanged?.fields ?? fields,
      ...(unchanged?.source && { source: unchanged.source }),
    });
  }
  const entries = writeManagers(managers);
  const result = isSameObject ? live : (complete as unknown as T);
  const owned = equalJson(
    entries as unknown as JsonValue,
    live?.metadata.managedFields as unknown as JsonValue,
  );
  if (isSameObject && owned) return live;
  const tracked = withManagedFields(result, entries);
  return manager === 'kubectl' ? withLastApplied(tracked, applied) : tracked;
}

/** What was there before anybody applied it belongs to `before-first-apply`. */
function liveManagers(live: KubeObject | undefined, before: JsonObject, scope: Scope, now: number): Managers {
  const managers = readManagers(live?.metadata.managedFields, true);
  if (managers.size === 0 && live) {
    trackUpdate(scope, {}, before, managers, {
      manager: 'before-first-apply',
      operation: 'Update',
      apiVersion: scope.apiVersion,
      subresource: undefined,
      time: rfc3339(now),
    });
  }
  return managers;
}

function checkBody<T extends KubeObject>(request: ApplyRequest<T>): void {
  const { applied, group, version, kind } = request;
  const apiVersion = typeof applied.apiVersion === 'string' ? applied.apiVersion : '';
  const found = typeof applied.kind === 'string' ? applied.kind : '';
  if (apiVersion !== (group === '' ? version : `${group}/${version}`) || found !== kind) {
    throw new KumulusError('BadRequest', `invalid object type: ${apiVersion || '/'}, Kind=${found}`);
  }
  const { metadata } = applied;
  if (isJsonObject(metadata) && metadata.managedFields !== undefined && metadata.managedFields !== null) {
    throw new KumulusError('BadRequest', 'metadata.managedFields must be nil');
  }
  const errors = appliedErrors(applied, request.schema);
  if (errors.length === 0) return;
  const text =
    errors.length === 1 ? errors[0] : ['errors:', ...errors.map((error) => `  ${error}`)].join('\n');
  throw new KumulusError('BadRequest', `failed to create typed patch object (${nameOf(request)}): ${text}`);
}

/** `default/web; apps/v1, Kind=Deployment` */
function nameOf<T extends KubeObject>({ applied }: ApplyRequest<T>): string {
  const metadata = isJsonObject(applied.metadata) ? applied.metadata : {};
  const text = (value: JsonValue | undefined) => (typeof value === 'string' ? value : '');
  return `${text(metadata.namespace)}/${text(metadata.name)}; ${text(applied.apiVersion)}, Kind=${text(applied.kind)}`;
}

function asApiError<T extends KubeObject>(error: unknown, request: ApplyRequest<T>): unknown {
  if (error instanceof ConflictFound) return conflictError(error.conflicts);
  if (error instanceof KumulusError || error instanceof RangeError || error instanceof TypeError)
    return error;
  const message = `failed to merge config (${nameOf(request)}): ${messageOf(error)}`;
  return new KumulusError('BadRequest', message, { cause: error });
}

function withoutNulls(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.some(hasNull) ? value.map(withoutNulls) : value;
  if (!isJsonObject(value) || !hasNull(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const member = value[key] ?? null;
    if (member !== null) setKey(result, key, withoutNulls(member));
  }
  return result;
}

function hasNull(value: JsonValue): boolean {
  if (value === null || typeof value !== 'object') return value === null;
  return Object.values(value).some((member) => hasNull(member));
}
