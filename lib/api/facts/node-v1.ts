import type { PackageFacts } from './package.ts';

export const nodeV1: PackageFacts = {
  name: 'io.k8s.api.node.v1',
  group: 'node.k8s.io',
  version: 'v1',
  types: `
    Overhead RuntimeClass RuntimeClassList Scheduling
  `,
  always: {
    RuntimeClass: 'metadata handler',
    RuntimeClassList: 'metadata items',
  },
  facts: {
    Overhead: {
      podFixed: { format: 'quantity' },
    },
    Scheduling: {
      nodeSelector: { mapType: 'atomic' },
    },
  },
};
