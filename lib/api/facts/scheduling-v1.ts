import type { PackageFacts } from './package.ts';

export const schedulingV1: PackageFacts = {
  name: 'io.k8s.api.scheduling.v1',
  group: 'scheduling.k8s.io',
  version: 'v1',
  types: `
    PriorityClass PriorityClassList
  `,
  always: {
    PriorityClass: 'metadata value',
    PriorityClassList: 'metadata items',
  },
  facts: {},
};
