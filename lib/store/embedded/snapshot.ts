import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KumulusError } from '../../errors.ts';
import type { Store } from '../port.ts';
import { prepareTables } from './tables.ts';

/** What a backup reads: every type and its objects, all as they were at one moment. */
export interface StoreSnapshot extends Pick<Store, 'resources' | 'list'> {
  close(): void;
}

/**
 * The embedded store of a directory as it is now, from any process, while its writer goes on: one read transaction.
 * The writer's log is not begun anew until it is closed, so it should not be kept.
 */
export function openEmbeddedSnapshot(dir: string): StoreSnapshot {
  const file = join(dir, 'store.sqlite');
  if (!existsSync(file))
    throw new KumulusError('NotFound', `${file}: no such file; there is no cluster there`);
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  try {
    database.exec('BEGIN');
    const tables = prepareTables(database);
    const resources = new Map(tables.resources().map((resource) => [resource.name, resource]));
    return {
      resources: async () => [...resources.keys()],
      list: async (name, prefix, { limit, after = '' } = {}) => {
        const resource = resources.get(name);
        if (!resource) return { entries: [], revision: 0, more: false };
        const entries = tables.list(resource.id, prefix, after, limit ? limit + 1 : -1);
        const more = limit ? entries.length > limit : false;
        if (more) entries.pop();
        return { entries, revision: Math.max(resource.head, resource.horizon), more };
      },
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
