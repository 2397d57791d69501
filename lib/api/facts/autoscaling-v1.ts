import type { PackageFacts } from './package.ts';

export const autoscalingV1: PackageFacts = {
  name: 'io.k8s.api.autoscaling.v1',
  group: 'autoscaling',
  version: 'v1',
  types: `
    CrossVersionObjectReference HorizontalPodAutoscaler HorizontalPodAutoscalerList
    HorizontalPodAutoscalerSpec HorizontalPodAutoscalerStatus Scale ScaleSpec ScaleStatus
  `,
  always: {
    CrossVersionObjectReference: 'kind name',
    HorizontalPodAutoscaler: 'metadata spec status',
    HorizontalPodAutoscalerList: 'metadata items',
    HorizontalPodAutoscalerSpec: 'scaleTargetRef maxReplicas',
    HorizontalPodAutoscalerStatus: 'currentReplicas desiredReplicas',
    Scale: 'metadata spec status',
    ScaleStatus: 'replicas',
  },
  facts: {
    CrossVersionObjectReference: {
      '.': { mapType: 'atomic' },
    },
  },
};
