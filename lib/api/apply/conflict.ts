import type { StatusCause } from '../../errors.ts';
import { applyConflict } from '../status.ts';
import { quote } from '../validate/quote.ts';
import { type FieldSet, pathsOf } from './field-set.ts';
import { compareText, type Manager } from './managers.ts';
import { formatPath } from './path-element.ts';

/** Fields that an apply request gives other values than their owner did. */
export interface OwnedFields {
  /** The owner's identity, by which the message is ordered. */
  identity: string;
  owner: Pick<Manager, 'manager' | 'operation' | 'apiVersion' | 'subresource'>;
  fields: FieldSet;
}

/** 409 in the words of kube-apiserver, with a cause a field. */
export function conflictError(conflicts: readonly OwnedFields[]) {
  const sorted = conflicts
    .toSorted((a, b) => compareText(a.identity, b.identity))
    .map(({ owner, fields }) => ({ name: ownerName(owner), paths: pathsOf(fields).map(formatPath) }));
  const causes: StatusCause[] = sorted.flatMap(({ name, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${name}`, field })),
  );
  const [only] = sorted;
  if (causes.length === 1 && only) {
    return applyConflict(
      causes,
      `Apply failed with 1 conflict: conflict with ${only.name}: ${only.paths.join()}`,
    );
  }
  const lines = sorted.flatMap(({ name, paths }) => [
    `conflicts with ${name}:`,
    ...paths.map((path) => `- ${path}`),
  ]);
  return applyConflict(causes, `Apply failed with ${causes.length} conflicts: ${lines.join('\n')}`);
}

/** `"kubectl-client-side-apply" using apps/v1`; the version is the updater's only, as in its identity. */
function ownerName({ manager, operation, apiVersion, subresource }: OwnedFields['owner']): string {
  const name = `${quote(manager)}${subresource ? ` with subresource ${quote(subresource)}` : ''}`;
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
