import type { ChangeNotice } from '../client/notices.ts';
import { KumulusError } from '../errors.ts';

/** A message holds at most 256 KiB; keys have at most 63 + 1 + 253 characters. */
const mostNotices = 400;

/** `[resource, key, revision]`, and a fourth where the object was deleted. */
type Line = [resource: string, key: string, revision: number, deleted?: 1];

/** The bodies of the messages that carry these notices. */
export function formatNotices(notices: readonly ChangeNotice[]): string[] {
  const bodies: string[] = [];
  for (let at = 0; at < notices.length; at += mostNotices) {
    const lines = notices
      .slice(at, at + mostNotices)
      .map(
        ({ resource, key, revision, deleted }): Line =>
          deleted ? [resource, key, revision, 1] : [resource, key, revision],
      );
    bodies.push(JSON.stringify({ changes: lines }));
  }
  return bodies;
}

/** @throws KumulusError Invalid: nobody can know what such a message said */
export function parseNotices(body: string): ChangeNotice[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new KumulusError('Invalid', 'body: Invalid value: must be JSON', { cause });
  }
  const { changes } = (value ?? {}) as { changes?: unknown };
  if (!Array.isArray(changes)) throw new KumulusError('Invalid', 'body.changes: Required value');
  return changes.map((line: unknown, index) => {
    const [resource, key, revision, deleted] = Array.isArray(line) ? (line as unknown[]) : [];
    if (typeof resource !== 'string' || typeof key !== 'string' || !Number.isSafeInteger(revision)) {
      throw new KumulusError(
        'Invalid',
        `body.changes[${index}]: Invalid value: ${JSON.stringify(line)}: must be a type, a key and a revision`,
      );
    }
    return { resource, key, revision: revision as number, deleted: deleted === 1 };
  });
}
