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
