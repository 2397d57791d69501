import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { KumulusError, messageOf } from '../../errors.ts';

/** "Kmls", in SQLite's header field for the kind of program that a file belongs to. */
const applicationId = 0x4b6d6c73;
const formatVersion = 1;
/** Above it a check of every page at each start takes longer than a start should. */
const checkedSizeBytes = 256 * 1024 * 1024;

/**
 * One row per revision, and a pointer to each key's newest. A row's id is its type's number and its revision in one
 * integer, so that a type's log is one range of the table in order, and a change's state before is one look-up away.
 */
const schema = `
  CREATE TABLE resource (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, horizon INTEGER NOT NULL);
  CREATE TABLE revision (
    id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, previous INTEGER NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL
  );
  CREATE TABLE current (
    resource INTEGER NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (resource, key)
  ) WITHOUT ROWID;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${formatVersion};
`;

/** Opens or creates the database; refuses, without changing a byte, what is damaged or not ours. */
export function openDatabase(file: string): DatabaseSync {
  const isNew = !existsSync(file) || statSync(file).size === 0;
  const database = connect(file);
  try {
    if (isNew) create(database);
    else verify(database, file);
    database.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16384');
    return database;
  } catch (error) {
    database.close();
    throw error instanceof KumulusError ? error : unreadable(file, error);
  }
}

function connect(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 1000, enableForeignKeyConstraints: false });
  } catch (error) {
    throw unreadable(file, error);
  }
}

function create(database: DatabaseSync): void {
  database.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
}

function verify(database: DatabaseSync, file: string): void {
  const found = number(database, 'PRAGMA application_id', 'application_id');
  if (found !== applicationId && !isEmpty(database)) {
    throw new KumulusError(
      'InternalError',
      `${file} is a database of another program: choose another directory`,
    );
  }
  if (isEmpty(database)) return create(database);
  const version = number(database, 'PRAGMA user_version', 'user_version');
  if (version !== formatVersion) {
    throw new KumulusError(
      'InternalError',
      `${file} has format ${version}, and this program reads format ${formatVersion}: start it with the version that wrote it, or restore a backup into a new directory`,
    );
  }
  if (statSync(file).size <= checkedSizeBytes) {
    const rows = database.prepare('PRAGMA quick_check(1)').all();
    const result = rows[0]?.quick_check;
    if (result !== 'ok') throw unreadable(file, new Error(String(result)));
  }
}

/** A process that was killed while it created the file leaves one without tables. */
function isEmpty(database: DatabaseSync): boolean {
  return number(database, 'SELECT count(*) AS n FROM sqlite_schema', 'n') === 0;
}

function number(database: DatabaseSync, sql: string, column: string): number {
  return Number(database.prepare(sql).get()?.[column]);
}

function unreadable(file: string, error: unknown): KumulusError {
  return new KumulusError(
    'InternalError',
    `${file} is damaged or cannot be read (${messageOf(error)}); nothing was changed. ` +
      `Move ${file}, ${file}-wal and ${file}-shm away together and restore a backup with "kumulus restore FILE", ` +
      `or salvage what is left with "sqlite3 ${file} .recover"`,
    { cause: error },
  );
}
