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
  always: {
    ControllerRevision: 'metadata data revision',
    ControllerRevisionList: 'metadata items',
    DaemonSet: 'metadata spec status',
    DaemonSetCondition: 'type status lastTransitionTime',
    DaemonSetList: 'metadata items',
    DaemonSetSpec: 'template updateStrategy',
    DaemonSetStatus: 'currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady',
    Deployment: 'metadata spec status',
    DeploymentCondition: 'type status lastUpdateTime lastTransitionTime',
    DeploymentList: 'metadata items',
    DeploymentSpec: 'template strategy',
    ReplicaSet: 'metadata spec status',
    ReplicaSetCondition: 'type status lastTransitionTime',
    ReplicaSetList: 'metadata items',
    ReplicaSetSpec: 'template',
    ReplicaSetStatus: 'replicas',
    StatefulSet: 'metadata spec status',
    StatefulSetCondition: 'type status lastTransitionTime',
    StatefulSetList: 'metadata items',
    StatefulSetOrdinals: 'start',
    StatefulSetSpec: 'template serviceName updateStrategy',
    StatefulSetStatus: 'replicas availableReplicas',
  },
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
