import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

const group = 'storagemigration.k8s.io';

export function storagemigrationDefinitions(): ResourceDefinition[] {
  const kind = 'StorageVersionMigration';
  return [
    define({
      group,
      plural: 'storageversionmigrations',
      kind,
      namespaced: false,
      subresources: [sub('status', kind, editVerbs, group)],
    }),
  ];
}
