import type { KindRules } from '../rules.ts';
import { storageVersionMigrationRules } from './storage-version-migration.ts';

/** By version and kind. */
export const storagemigrationRules: Readonly<Record<string, KindRules>> = {
  'v1/StorageVersionMigration': storageVersionMigrationRules,
};
