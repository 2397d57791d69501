/** Server-side tables (API concepts, "Receiving resources as Tables"). */
import type { ListMeta, ObjectMeta } from '../gen/types.ts';
import type { KubeObject } from '../object.ts';
import { coreTables } from './core.ts';
import { deviceTables } from './devices.ts';
import {
  type Cell,
  type Column,
  column,
  type KindTable,
  nameColumn,
  nameOf,
  type RowCondition,
  tableOf,
} from './kind-table.ts';
import { networkTables } from './network.ts';
import { podTable } from './pods.ts';
import { policyTables } from './policy.ts';
import { scalingTables } from './scaling.ts';
import { storageTables } from './storage.ts';
import { workloadTables } from './workloads.ts';

/** What a row carries of its object: nothing, its metadata (the default of the API), or all of it. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** `meta.k8s.io/v1 Table` */
export interface Table {
  kind: 'Table';
  apiVersion: string;
  metadata: ListMeta;
  /** null where they were left out. */
  columnDefinitions: readonly Column[] | null;
  rows: TableRow[];
}

export interface TableRow {
  cells: Cell[];
  conditions?: RowCondition[];
  object: KubeObject | PartialObjectMetadata | null;
}

/** `meta.k8s.io/v1 PartialObjectMetadata` */
export interface PartialObjectMetadata {
  kind: 'PartialObjectMetadata';
  apiVersion: string;
  metadata: ObjectMeta;
}

const kindTables: Readonly<Record<string, KindTable>> = {
  '/Pod': podTable,
  ...coreTables,
  ...deviceTables,
  ...networkTables,
  ...policyTables,
  ...scalingTables,
  ...storageTables,
  ...workloadTables,
};

const defaultTable = tableOf(
  [nameColumn, column('Created At', 'When the server created the object.', { type: 'date' })],
  (object) => [nameOf(object), object.metadata.creationTimestamp ?? ''],
);

export interface TableOptions {
  includeObject: IncludeObject;
  /** Milliseconds since the epoch, for ages. */
  now: number;
  /** Of the list, or of the one object. */
  metadata?: ListMeta;
  /** The version of `meta.k8s.io` that the client asked for. */
  version?: 'v1' | 'v1beta1';
  /** In a watch, all events but the first go without the columns. */
  withoutColumns?: boolean;
}

/** The rows of objects of one kind. Kinds without columns of their own show their name and when they were created. */
export function renderTable(
  kind: { group: string; kind: string },
  objects: readonly KubeObject[],
  options: TableOptions,
): Table {
  const { includeObject, now, metadata = {}, version = 'v1', withoutColumns } = options;
  const id = `${kind.group}/${kind.kind}`;
  const table = (Object.hasOwn(kindTables, id) ? kindTables[id] : undefined) ?? defaultTable;
  const rows = objects.map((object) => {
    const conditions = table.conditions?.(object);
    return {
      cells: table.cells(object, now),
      ...(conditions && { conditions }),
      object: rowObject(object, includeObject, version),
    };
  });
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: withoutColumns ? null : table.columns,
    rows,
  };
}

function rowObject(object: KubeObject, includeObject: IncludeObject, version: 'v1' | 'v1beta1') {
  switch (includeObject) {
    case 'None':
      return null;
    case 'Metadata':
      return partialObjectMetadata(object, version);
    case 'Object':
      return object;
  }
}

/** An object as clients get it that ask for its metadata only. */
export function partialObjectMetadata(
  object: KubeObject,
  version: 'v1' | 'v1beta1' = 'v1',
): PartialObjectMetadata {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

/** A list of them. */
export function partialObjectMetadataList(
  objects: readonly KubeObject[],
  metadata: ListMeta,
  version: 'v1' | 'v1beta1' = 'v1',
) {
  return {
    kind: 'PartialObjectMetadataList' as const,
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    items: objects.map((object) => partialObjectMetadata(object, version)),
  };
}
