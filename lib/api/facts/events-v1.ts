import type { PackageFacts } from './package.ts';

export const eventsV1: PackageFacts = {
  name: 'io.k8s.api.events.v1',
  group: 'events.k8s.io',
  version: 'v1',
  types: `
    Event EventList EventSeries
  `,
  always: {
    Event: 'metadata eventTime regarding deprecatedSource deprecatedFirstTimestamp deprecatedLastTimestamp',
    EventList: 'metadata items',
    EventSeries: 'count lastObservedTime',
  },
  facts: {},
};
