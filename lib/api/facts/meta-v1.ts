import type { PackageFacts } from './package.ts';

export const metaV1: PackageFacts = {
  name: 'io.k8s.apimachinery.pkg.apis.meta.v1',
  group: '',
  version: 'v1',
  types: `
    APIGroup APIGroupList APIResource APIResourceList APIVersions Condition DeleteOptions
    FieldSelectorRequirement GroupResource GroupVersionForDiscovery LabelSelector LabelSelectorRequirement ListMeta
    ManagedFieldsEntry ObjectMeta OwnerReference Preconditions ServerAddressByClientCIDR ShardInfo Status
    StatusCause StatusDetails WatchEvent
  `,
  facts: {
    LabelSelector: {
      '.': { mapType: 'atomic' },
    },
    ObjectMeta: {
      finalizers: { listType: 'set', patchStrategy: ['merge'] },
      ownerReferences: {
        listType: 'map',
        listMapKeys: ['uid'],
        patchStrategy: ['merge'],
        patchMergeKey: 'uid',
      },
    },
    OwnerReference: {
      '.': { mapType: 'atomic' },
    },
  },
};
