import type { PackageFacts } from './package.ts';

export const storagemigrationV1: PackageFacts = {
  name: 'io.k8s.api.storagemigration.v1',
  group: 'storagemigration.k8s.io',
  version: 'v1',
  types: `
    StorageVersionMigration StorageVersionMigrationList StorageVersionMigrationSpec
    StorageVersionMigrationStatus
  `,
  always: {
    StorageVersionMigration: 'metadata spec status',
    StorageVersionMigrationList: 'metadata items',
    StorageVersionMigrationSpec: 'resource',
  },
  facts: {
    StorageVersionMigrationStatus: {
      conditions: {
        listType: 'map',
        listMapKeys: ['type'],
        patchStrategy: ['merge'],
        patchMergeKey: 'type',
      },
    },
  },
};
