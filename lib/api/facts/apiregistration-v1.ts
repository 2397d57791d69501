import type { PackageFacts } from './package.ts';

export const apiregistrationV1: PackageFacts = {
  name: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1',
  group: 'apiregistration.k8s.io',
  version: 'v1',
  types: `
    APIService APIServiceCondition APIServiceList APIServiceSpec APIServiceStatus ServiceReference
  `,
  facts: {
    APIServiceStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
  },
};
