import { isKind } from '../../../lib/errors.ts';

/** Whether a create was refused because its namespace goes away; nobody need try that again. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    isKind(error, 'Forbidden') &&
    (error.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false)
  );
}
