import type { PackageFacts } from './package.ts';

export const appsV1: PackageFacts = {
  name: 'io.k8s.api.apps.v1',
  group: 'apps',
  version: 'v1',
  types: `
    ControllerRevision ControllerRevisionList DaemonSet DaemonSetCondition DaemonSetList DaemonSetSpec
    DaemonSetStatus DaemonSetUpdateStrategy Deployment DeploymentCondition DeploymentList DeploymentSpec
    DeploymentStatus DeploymentStrategy ReplicaSet ReplicaSetCondition ReplicaSetList ReplicaSetSpec
    ReplicaSetStatus RollingUpdateDaemonSet RollingUpdateDeployment RollingUpdateStatefulSetStrategy
    StatefulSet StatefulSetCondition StatefulSetList StatefulSetOrdinals
    StatefulSetPersistentVolumeClaimRetentionPolicy StatefulSetSpec StatefulSetStatus
    StatefulSetUpdateStrategy
  `,
  facts: {
    DaemonSetStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    DaemonSetUpdateStrategy: {
      type: { enum: ['OnDelete', 'RollingUpdate'] },
    },
    DeploymentSpec: {
      strategy: { patchStrategy: ['retainKeys'] },
    },
    DeploymentStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    DeploymentStrategy: {
      type: { enum: ['Recreate', 'RollingUpdate'] },
    },
    ReplicaSetStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    StatefulSetSpec: {
      podManagementPolicy: { enum: ['OrderedReady', 'Parallel'] },
    },
    StatefulSetStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    StatefulSetUpdateStrategy: {
      type: { enum: ['OnDelete', 'RollingUpdate'] },
    },
  },
};
