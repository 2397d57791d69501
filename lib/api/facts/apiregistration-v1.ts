import type { PackageFacts } from './package.ts';

export const apiregistrationV1: PackageFacts = {
  name: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1',
  group: 'apiregistration.k8s.io',
  version: 'v1',
  types: `
    APIService APIServiceCondition APIServiceList APIServiceSpec APIServiceStatus ServiceReference
  `,
  always: {
    APIService: 'metadata spec status',
    APIServiceCondition: 'type status lastTransitionTime',
    APIServiceList: 'metadata items',
    APIServiceSpec: 'group version groupPriorityMinimum versionPriority',
  },
  facts: {
    APIServiceStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
  },
};
