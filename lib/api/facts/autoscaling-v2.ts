import type { PackageFacts } from './package.ts';

export const autoscalingV2: PackageFacts = {
  name: 'io.k8s.api.autoscaling.v2',
  group: 'autoscaling',
  version: 'v2',
  types: `
    ContainerResourceMetricSource ContainerResourceMetricStatus CrossVersionObjectReference
    ExternalMetricSource ExternalMetricStatus HPAScalingPolicy HPAScalingRules HorizontalPodAutoscaler
    HorizontalPodAutoscalerBehavior HorizontalPodAutoscalerCondition HorizontalPodAutoscalerList
    HorizontalPodAutoscalerSpec HorizontalPodAutoscalerStatus MetricIdentifier MetricSpec MetricStatus
    MetricTarget MetricValueStatus ObjectMetricSource ObjectMetricStatus PodsMetricSource PodsMetricStatus
    ResourceMetricSource ResourceMetricStatus
  `,
  always: {
    ContainerResourceMetricSource: 'name target container',
    ContainerResourceMetricStatus: 'name current container',
    CrossVersionObjectReference: 'kind name',
    ExternalMetricSource: 'metric target',
    ExternalMetricStatus: 'metric current',
    HPAScalingPolicy: 'type value periodSeconds',
    HorizontalPodAutoscaler: 'metadata spec status',
    HorizontalPodAutoscalerCondition: 'type status lastTransitionTime',
    HorizontalPodAutoscalerList: 'metadata items',
    HorizontalPodAutoscalerSpec: 'scaleTargetRef maxReplicas',
    HorizontalPodAutoscalerStatus: 'desiredReplicas currentMetrics',
    MetricIdentifier: 'name',
    MetricSpec: 'type',
    MetricStatus: 'type',
    MetricTarget: 'type',
    ObjectMetricSource: 'describedObject target metric',
    ObjectMetricStatus: 'metric current describedObject',
    PodsMetricSource: 'metric target',
    PodsMetricStatus: 'metric current',
    ResourceMetricSource: 'name target',
    ResourceMetricStatus: 'name current',
  },
  facts: {
    HPAScalingRules: {
      tolerance: { format: 'quantity' },
    },
    HorizontalPodAutoscalerStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    MetricTarget: {
      averageValue: { format: 'quantity' },
      value: { format: 'quantity' },
    },
    MetricValueStatus: {
      averageValue: { format: 'quantity' },
      value: { format: 'quantity' },
    },
  },
};
