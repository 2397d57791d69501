import type { JsonObject } from '../object.ts';
import { type FieldSet, intersectSets, isEmptySet, noFields, subtractSets, unionSets } from './field-set.ts';
import type { Manager, Managers } from './managers.ts';
import { inVersion, type Scope } from './ownership.ts';
import { removeFields, withNamedParents } from './remove.ts';
import { toFieldSet } from './to-field-set.ts';

/**
 * Takes from a merged object what its manager applied last time and does not apply any more, unless somebody else owns
 * it too. `managers` has the new set of the manager already, `claimed`; `last` is its previous entry.
 */
export function pruneDropped(
  scope: Scope,
  merged: JsonObject,
  managers: Managers,
  last: Manager | undefined,
  claimed: FieldSet,
): JsonObject {
  if (!last || isEmptySet(last.fields)) return merged;
  const isSameVersion = last.apiVersion === scope.apiVersion;
  if (isSameVersion && isEmptySet(subtractSets(last.fields, claimed))) return merged;
  const start = inVersion(scope, merged, last.apiVersion);
  if (!start) return merged;
  const { object, schema } = start;
  const lastFields = withNamedParents(last.fields, schema);
  let pruned = removeFields(object, lastFields, schema);

  // What others own comes back, version by version, beginning with the one that was pruned in.
  const owned = new Map<string, FieldSet>([[last.apiVersion, noFields]]);
  for (const { apiVersion, fields } of managers.values()) {
    owned.set(apiVersion, unionSets(owned.get(apiVersion) ?? noFields, fields));
  }
  for (const [apiVersion, fields] of owned) {
    const whole = inVersion(scope, object, apiVersion);
    const rest =
      apiVersion === last.apiVersion ? { object: pruned, schema } : inVersion(scope, pruned, apiVersion);
    if (!whole || !rest) continue;
    const all = withNamedParents(toFieldSet(whole.object, whole.schema), whole.schema);
    const kept = withNamedParents(toFieldSet(rest.object, whole.schema), whole.schema);
    const gone = subtractSets(all, unionSets(kept, withNamedParents(fields, whole.schema)));
    const result = removeFields(whole.object, gone, whole.schema);
    pruned =
      inVersion({ ...scope, apiVersion, schema: whole.schema }, result, last.apiVersion)?.object ?? result;
  }

  // And so does what this manager did not own before.
  const all = withNamedParents(toFieldSet(object, schema), schema);
  const kept = withNamedParents(toFieldSet(pruned, schema), schema);
  const result = removeFields(object, intersectSets(subtractSets(all, kept), lastFields), schema);
  const back = inVersion({ ...scope, apiVersion: last.apiVersion, schema }, result, scope.apiVersion);
  return back?.object ?? result;
}
