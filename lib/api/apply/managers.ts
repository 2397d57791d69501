/** Who owns which fields of an object: `metadata.managedFields` as a map that can be reckoned with. */
import type { ManagedFieldsEntry } from '../gen/types.ts';
import type { JsonValue } from '../object.ts';
import { equalJson } from '../patch/index.ts';
import { type FieldSet, isEmptySet, sortSet } from './field-set.ts';
import { readFieldSet } from './path-element.ts';

export interface Manager {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource: string | undefined;
  /** RFC 3339. */
  time: string | undefined;
  fields: FieldSet;
  /** What it was read from, to be written back as it is while nothing has changed. */
  source?: ManagedFieldsEntry;
}

/** By identity: an applier is the same one whatever version it applies; an updater is another one in each. */
export type Managers = Map<string, Manager>;

export function identityOf(manager: Omit<Manager, 'fields' | 'time' | 'source'>): string {
  const { operation, apiVersion, subresource } = manager;
  // In the form that kube-apiserver sorts by when it lists conflicts.
  return JSON.stringify({
    ...(manager.manager && { manager: manager.manager }),
    operation,
    ...(operation === 'Update' && { apiVersion }),
    ...(subresource && { subresource }),
  });
}

/**
 * Reads what is stored. Entries were checked when they were stored.
 * @param trusted Whether sets are in the one spelling in which we write them.
 * @throws Error naming what is wrong with an entry that a client has written.
 */
export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined, trusted: boolean): Managers {
  const managers: Managers = new Map();
  entries?.forEach((entry, index) => {
    const { operation, apiVersion, fieldsType, fieldsV1, manager = '', subresource, time } = entry;
    if (operation !== 'Apply' && operation !== 'Update')
      throw new Error('operation must be `Apply` or `Update`');
    if (!apiVersion) throw new Error('apiVersion must not be empty');
    if (!fieldsType) throw new Error(`missing fieldsType in managed fields entry ${index}`);
    if (fieldsType !== 'FieldsV1') {
      throw new Error(`invalid fieldsType "${fieldsType}" in managed fields entry ${index}`);
    }
    const fields = trusted ? ((fieldsV1 ?? {}) as FieldSet) : readFieldSet(fieldsV1 as JsonValue | undefined);
    const read = { manager, operation, apiVersion, subresource, time } as const;
    managers.set(identityOf(read), { ...read, fields, ...(trusted && { source: entry }) });
  });
  return managers;
}

/** As they are stored: appliers first, then by time, oldest first. Undefined when there are none. */
export function writeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()].sort(compareManagers).map(writeManager);
}

function writeManager({ source, ...manager }: Manager): ManagedFieldsEntry {
  const { apiVersion, fields, operation, subresource, time } = manager;
  const isUnchanged = source?.fieldsV1 === fields && source.time === time && source.apiVersion === apiVersion;
  if (source && isUnchanged) return source;
  return {
    ...(manager.manager && { manager: manager.manager }),
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: 'FieldsV1',
    // What was stored is in order.
    fieldsV1: source?.fieldsV1 === fields ? fields : sortSet(fields),
    ...(subresource && { subresource }),
  };
}

function compareManagers(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    seconds(a.time) - seconds(b.time) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource ?? '', b.subresource ?? '')
  );
}

export function seconds(time: string | undefined): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The managers that a write starts from (KEP-555): those in the request, so that a client can change them; those of
 * the live object where the request has none, cannot be read, or writes a subresource; none when the request asks for
 * that with `[]` or `[{}]`.
 */
export function startingManagers(
  live: readonly ManagedFieldsEntry[] | undefined,
  requested: readonly ManagedFieldsEntry[] | undefined,
  subresource: string | undefined,
): Managers {
  if (subresource || requested === undefined || requested === live) return readLive(live);
  const [only] = requested;
  if (!only || (requested.length === 1 && Object.keys(only).length === 0)) return new Map();
  if (equalJson(live as JsonValue | undefined, requested as unknown as JsonValue)) return readLive(live);
  try {
    const managers = readManagers(requested, false);
    return managers.size > 0 ? managers : readLive(live);
  } catch {
    // Clients that do not understand managedFields must not lose them by sending nonsense.
    return readLive(live);
  }
}

function readLive(live: readonly ManagedFieldsEntry[] | undefined): Managers {
  try {
    return readManagers(live, true);
  } catch {
    return new Map();
  }
}

export function dropEmptyManagers(managers: Managers): void {
  for (const [identity, { fields }] of managers) if (isEmptySet(fields)) managers.delete(identity);
}
