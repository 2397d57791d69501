/** How a change of an object changes who owns what, and who would have to be asked first. */
import type { JsonObject } from '../object.ts';
import type { Schema } from '../schema.ts';
import { type Comparison, compareObjects, withoutFields } from './compare.ts';
import { type FieldSet, intersectSets, isEmptySet, subtractSets, unionSets } from './field-set.ts';
import { dropEmptyManagers, type Managers } from './managers.ts';

/** Everything a write is measured by that does not change from object to object. */
export interface Scope {
  /** Of the request. */
  apiVersion: string;
  schema: Schema;
  /** Fields that this endpoint resets, so that nobody comes to own them by it; with all that is below them. */
  ignored: FieldSet;
  /**
   * The same object in another served version, for managers that wrote in that one; undefined when it is served no
   * more, which ends their ownership. Absent: there is one version only.
   */
  convert?: (object: JsonObject, apiVersion: string) => { object: JsonObject; schema: Schema } | undefined;
}

/** Fields by the identity of the manager that owns them. */
export type Conflicts = Map<string, FieldSet>;

/** An object and its schema in a version, or undefined where there is no such version. */
export function inVersion(scope: Scope, object: JsonObject, apiVersion: string) {
  if (apiVersion === scope.apiVersion) return { object, schema: scope.schema };
  return scope.convert?.(object, apiVersion);
}

/**
 * Takes from every manager but `writer` what the change from `before` to `after` gave other values or removed.
 * `managers` is changed, and only when there are no conflicts or `force` is set.
 */
export function takeOwnership(
  scope: Scope,
  before: JsonObject,
  after: JsonObject,
  managers: Managers,
  writer: string | undefined,
  force: boolean,
): { comparison: Comparison; conflicts: Conflicts } {
  const compare = (old: JsonObject, young: JsonObject, schema: Schema) =>
    withoutFields(compareObjects(old, young, schema), scope.ignored);
  const comparison = compare(before, after, scope.schema);
  const byVersion = new Map<string, Comparison | undefined>([[scope.apiVersion, comparison]]);
  const conflicts: Conflicts = new Map();
  const gone: string[] = [];
  const removed = new Map<string, FieldSet>();
  for (const [identity, { apiVersion, fields }] of managers) {
    if (identity === writer) continue;
    if (!byVersion.has(apiVersion)) {
      const old = inVersion(scope, before, apiVersion);
      const young = inVersion(scope, after, apiVersion);
      byVersion.set(apiVersion, old && young && compare(old.object, young.object, young.schema));
    }
    const found = byVersion.get(apiVersion);
    if (!found) {
      gone.push(identity);
      continue;
    }
    const conflict = intersectSets(fields, unionSets(found.modified, found.added));
    if (!isEmptySet(conflict)) conflicts.set(identity, conflict);
    removed.set(identity, found.removed);
  }
  if (conflicts.size > 0 && !force) return { comparison, conflicts };
  for (const identity of gone) managers.delete(identity);
  for (const [identity, manager] of managers) {
    if (identity === writer) continue;
    const rest = subtractSets(manager.fields, conflicts.get(identity) ?? {});
    const fields = subtractSets(rest, removed.get(identity) ?? {});
    if (fields !== manager.fields) managers.set(identity, { ...manager, fields });
  }
  dropEmptyManagers(managers);
  return { comparison, conflicts };
}

/** What every object has and nobody owns. */
export const unowned: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    'f:name': {},
    'f:namespace': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:uid': {},
    'f:clusterName': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:resourceVersion': {},
  },
};

export function withoutSystemFields(fields: FieldSet): FieldSet {
  return subtractSets(fields, unowned);
}
