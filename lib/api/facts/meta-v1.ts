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
  always: {
    APIGroup: 'name versions preferredVersion',
    APIGroupList: 'groups',
    APIResource: 'name singularName namespaced kind verbs',
    APIResourceList: 'groupVersion resources',
    APIVersions: 'versions serverAddressByClientCIDRs',
    Condition: 'type status lastTransitionTime reason message',
    FieldSelectorRequirement: 'key operator',
    GroupVersionForDiscovery: 'groupVersion version',
    LabelSelectorRequirement: 'key operator',
    OwnerReference: 'apiVersion kind name uid',
    ServerAddressByClientCIDR: 'clientCIDR serverAddress',
    ShardInfo: 'selector',
    Status: 'metadata',
  },
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
