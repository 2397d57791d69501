import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

export function batchDefinitions(): ResourceDefinition[] {
  return [
    define({
      group: 'batch',
      plural: 'cronjobs',
      kind: 'CronJob',
      shortNames: ['cj'],
      categories: ['all'],
      subresources: [sub('status', 'CronJob', editVerbs, 'batch')],
    }),
    define({
      group: 'batch',
      plural: 'jobs',
      kind: 'Job',
      categories: ['all'],
      subresources: [sub('status', 'Job', editVerbs, 'batch')],
    }),
  ];
}
