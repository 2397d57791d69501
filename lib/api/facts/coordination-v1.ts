import type { PackageFacts } from './package.ts';

export const coordinationV1: PackageFacts = {
  name: 'io.k8s.api.coordination.v1',
  group: 'coordination.k8s.io',
  version: 'v1',
  types: `
    Lease LeaseList LeaseSpec
  `,
  always: {
    Lease: 'metadata spec',
    LeaseList: 'metadata items',
  },
  facts: {},
};
