import type { DatabaseSync } from 'node:sqlite';
import { prefixEnd } from '../keys.ts';
import type { Change, Entry, Revision } from '../port.ts';

/** What a row of the log is. A gap takes a revision and changes nothing: it keeps revisions from going back. */
export const rowKind = { gap: 0, put: 1, delete: 2 } as const;

/** 23 bits of resource types, 40 bits of revisions: 10,000 writes a second for three years and a half. */
const revisionBits = 40;
export const maxRevision = 2 ** revisionBits - 1;
const id = (resource: string, revision: string) => `((${resource} << ${revisionBits}) | ${revision})`;
const revisionOf = (column: string) => `(${column} & ${maxRevision})`;
const range = (key = 'key') => `${key} >= ?2 AND ${key} < ?3 AND ${key} > ?4`;

/** Keys untouched since ?5 are as they are now; the others are as before their first change after ?5. */
const touched = `touched AS MATERIALIZED (
  SELECT key, min(id), previous FROM revision
  WHERE id > ${id('?1', '?5')} AND id <= ${id('?1', `${maxRevision}`)} AND kind != ${rowKind.gap} AND ${range()}
  GROUP BY key)`;

/** In SQLite's order every text is less than every blob: the upper end of an open range. */
const endOfText = new Uint8Array(0);

export interface ResourceRow {
  id: number;
  name: string;
  horizon: Revision;
  head: Revision;
}

export interface PointerPage {
  entries: Entry[];
  more: boolean;
}

export type Tables = ReturnType<typeof prepareTables>;

/** Every statement of the store, prepared once, with its parameters' meaning. */
export function prepareTables(database: DatabaseSync) {
  const s = {
    resources: database.prepare(
      `SELECT id, name, horizon,
         (SELECT ${revisionOf('max(v.id)')} FROM revision v
          WHERE v.id > ${id('resource.id', '0')} AND v.id <= ${id('resource.id', `${maxRevision}`)}) AS head
       FROM resource ORDER BY name`,
    ),
    addResource: database.prepare('INSERT INTO resource (name, horizon) VALUES (?, 0) RETURNING id'),
    setHorizon: database.prepare('UPDATE resource SET horizon = ?2 WHERE id = ?1'),
    pointer: database.prepare('SELECT revision FROM current WHERE resource = ? AND key = ?'),
    entry: database.prepare(
      `SELECT c.revision, v.body FROM current c CROSS JOIN revision v ON v.id = ${id('c.resource', 'c.revision')}
       WHERE c.resource = ? AND c.key = ?`,
    ),
    create: database.prepare(
      'INSERT INTO current (resource, key, revision) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    replace: database.prepare(
      'UPDATE current SET revision = ?4 WHERE resource = ?1 AND key = ?2 AND revision = ?3',
    ),
    remove: database.prepare('DELETE FROM current WHERE resource = ? AND key = ? AND revision = ?'),
    append: database.prepare(
      `INSERT INTO revision (id, kind, previous, key, body) VALUES (${id('?1', '?2')}, ?3, ?4, ?5, ?6)`,
    ),
    list: database.prepare(
      `SELECT c.key, c.revision, v.body FROM current c CROSS JOIN revision v ON v.id = ${id('?1', 'c.revision')}
       WHERE c.resource = ?1 AND ${range('c.key')} ORDER BY c.key LIMIT ?5`,
    ),
    count: database.prepare(`SELECT count(*) AS n FROM current WHERE resource = ?1 AND ${range()}`),
    listAt: database.prepare(
      `WITH ${touched},
         snapshot AS (
           SELECT key, revision FROM current WHERE resource = ?1 AND ${range()} AND revision <= ?5
           UNION ALL SELECT key, previous FROM touched WHERE previous > 0
           ORDER BY key LIMIT ?6)
       SELECT s.key, s.revision, v.body FROM snapshot s CROSS JOIN revision v ON v.id = ${id('?1', 's.revision')}
       ORDER BY s.key`,
    ),
    countAt: database.prepare(
      `WITH ${touched}
       SELECT (SELECT count(*) FROM current WHERE resource = ?1 AND ${range()} AND revision <= ?5)
         + (SELECT count(*) FROM touched WHERE previous > 0) AS n`,
    ),
    changes: database.prepare(
      `SELECT ${revisionOf('v.id')} AS revision, v.kind, v.previous, v.key, v.body, b.body AS before
       FROM revision v LEFT JOIN revision b ON v.previous > 0 AND b.id = ${id('?1', 'v.previous')}
       WHERE v.id > ${id('?1', '?2')} AND v.id <= ${id('?1', `${maxRevision}`)} ORDER BY v.id LIMIT ?3`,
    ),
    superseded: database.prepare(
      `SELECT ${revisionOf('id')} AS revision, kind, previous FROM revision
       WHERE id > ${id('?1', '?2')} AND id <= ${id('?1', '?3')} ORDER BY id LIMIT ?4`,
    ),
    forget: database.prepare(`DELETE FROM revision WHERE id = ${id('?1', '?2')}`),
  };

  return {
    resources: () =>
      s.resources.all().map(
        (row): ResourceRow => ({
          id: row.id as number,
          name: row.name as string,
          horizon: row.horizon as number,
          head: (row.head as number | null) ?? 0,
        }),
      ),
    addResource: (name: string) => s.addResource.get(name)?.id as number,
    setHorizon: (resource: number, horizon: Revision) => void s.setHorizon.run(resource, horizon),

    /** The key's newest revision, 0 when there is none. */
    pointer: (resource: number, key: string) => (s.pointer.get(resource, key)?.revision as number) ?? 0,
    entry: (resource: number, key: string): Entry | undefined => {
      const row = s.entry.get(resource, key);
      return row && { key, revision: row.revision as number, body: row.body as Uint8Array };
    },

    /** The three conditional moves of a pointer; false when the condition did not hold. */
    create: (resource: number, key: string, revision: Revision) =>
      s.create.run(resource, key, revision).changes === 1,
    replace: (resource: number, key: string, expected: Revision, revision: Revision) =>
      s.replace.run(resource, key, expected, revision).changes === 1,
    remove: (resource: number, key: string, expected: Revision) =>
      s.remove.run(resource, key, expected).changes === 1,
    append: (
      resource: number,
      revision: Revision,
      kind: number,
      previous: Revision,
      key: string,
      body: Uint8Array,
    ) => void s.append.run(resource, revision, kind, previous, key, body),

    list: (resource: number, prefix: string, after: string, limit: number) =>
      s.list
        .all(resource, prefix, prefixEnd(prefix) ?? endOfText, after, limit)
        .map((row) => ({ ...row }) as unknown as Entry),
    listAt: (resource: number, prefix: string, after: string, at: Revision, limit: number) =>
      s.listAt
        .all(resource, prefix, prefixEnd(prefix) ?? endOfText, after, at, limit)
        .map((row) => ({ ...row }) as unknown as Entry),
    count: (resource: number, prefix: string, after: string) =>
      s.count.get(resource, prefix, prefixEnd(prefix) ?? endOfText, after)?.n as number,
    countAt: (resource: number, prefix: string, after: string, at: Revision) =>
      s.countAt.get(resource, prefix, prefixEnd(prefix) ?? endOfText, after, at)?.n as number,

    /** The log after `from`, until `limit` rows or about `sizeBytes`, and the revision up to which that is all. */
    changes: (resource: number, from: Revision, limit: number, sizeBytes: number) => {
      const changes: Change[] = [];
      let revision = from;
      let size = 0;
      for (const row of s.changes.iterate(resource, from, limit)) {
        revision = row.revision as number;
        if (row.kind === rowKind.gap) continue;
        const change = toChange(row as unknown as ChangeRow);
        changes.push(change);
        size += (row.body as Uint8Array).length + (change.before?.body.length ?? 0);
        if (size >= sizeBytes) break;
      }
      return { changes, revision };
    },

    superseded: (resource: number, from: Revision, to: Revision, limit: number) =>
      s.superseded.all(resource, from, to, limit) as unknown as {
        revision: Revision;
        kind: number;
        previous: Revision;
      }[],
    forget: (resource: number, revision: Revision) => void s.forget.run(resource, revision),
  };
}

interface ChangeRow {
  revision: Revision;
  kind: number;
  previous: Revision;
  key: string;
  body: Uint8Array;
  before: Uint8Array | null;
}

function toChange({ revision, kind, previous, key, body, before }: ChangeRow): Change {
  return {
    key,
    revision,
    before: before ? { key, revision: previous, body: before } : undefined,
    after: kind === rowKind.put ? { key, revision, body } : undefined,
    last: kind === rowKind.delete ? body : undefined,
  };
}
