import type { PackageFacts } from './package.ts';

export const discoveryV1: PackageFacts = {
  name: 'io.k8s.api.discovery.v1',
  group: 'discovery.k8s.io',
  version: 'v1',
  types: `
    Endpoint EndpointConditions EndpointHints EndpointPort EndpointSlice EndpointSliceList ForNode ForZone
  `,
  always: {
    Endpoint: 'addresses conditions',
    EndpointSlice: 'metadata addressType endpoints ports',
    EndpointSliceList: 'metadata items',
    ForNode: 'name',
    ForZone: 'name',
  },
  facts: {
    Endpoint: {
      addresses: { listType: 'set' },
    },
    EndpointPort: {
      '.': { mapType: 'atomic' },
      protocol: { enum: ['SCTP', 'TCP', 'UDP'] },
    },
    EndpointSlice: {
      addressType: { enum: ['FQDN', 'IPv4', 'IPv6'] },
    },
  },
};
