/** Who owns the replicas of a workload, as seen through its scale (KEP-555, "Subresources"), and back. */
import type { ManagedFieldsEntry } from '../gen/types.ts';
import { type FieldSet, isEmptySet, leaf, subtractSets } from './field-set.ts';
import { identityOf } from './managers.ts';

const replicas: FieldSet = { 'f:spec': { 'f:replicas': leaf } };
const scaleVersion = 'autoscaling/v1';

/** Of the entries of a workload, those that own its replicas, as owners of the replicas of its scale. */
export function scaleManagers(entries: readonly ManagedFieldsEntry[] | undefined): ManagedFieldsEntry[] {
  return (entries ?? [])
    .filter((entry) => ownsReplicas(entry))
    .map((entry) => ({ ...entry, apiVersion: scaleVersion, fieldsV1: replicas }));
}

/**
 * The entries of a workload after its scale was applied: who does not own the scale's replicas any more loses them, who
 * has come to own them is added.
 * @param apiVersion Of the workload.
 */
export function withScaleManagers(
  entries: readonly ManagedFieldsEntry[] | undefined,
  scaleEntries: readonly ManagedFieldsEntry[] | undefined,
  apiVersion: string,
): ManagedFieldsEntry[] {
  const owners = new Map(
    (scaleEntries ?? []).filter(ownsReplicas).map((entry) => [identityInScale(entry), entry]),
  );
  const kept: ManagedFieldsEntry[] = [];
  for (const entry of entries ?? []) {
    if (!ownsReplicas(entry) || owners.delete(identityInScale(entry))) {
      kept.push(entry);
      continue;
    }
    const rest = subtractSets((entry.fieldsV1 ?? {}) as FieldSet, replicas);
    if (!isEmptySet(rest)) kept.push({ ...entry, fieldsV1: rest });
  }
  for (const entry of owners.values()) kept.push({ ...entry, apiVersion, fieldsV1: replicas });
  return kept;
}

function ownsReplicas({ fieldsV1 }: ManagedFieldsEntry): boolean {
  return ((fieldsV1 ?? {}) as FieldSet)['f:spec']?.['f:replicas'] !== undefined;
}

function identityInScale({ manager = '', operation, subresource }: ManagedFieldsEntry): string {
  return identityOf({
    manager,
    operation: operation === 'Apply' ? 'Apply' : 'Update',
    apiVersion: scaleVersion,
    subresource,
  });
}
