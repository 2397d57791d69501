import type { ResourceDefinition } from '../definition.ts';
import { define } from './define.ts';

export function eventsDefinitions(): ResourceDefinition[] {
  return [
    define({
      group: 'events.k8s.io',
      plural: 'events',
      kind: 'Event',
      shortNames: ['ev'],
      storedAs: { group: '', version: 'v1' },
    }),
  ];
}
