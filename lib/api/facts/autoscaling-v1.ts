import type { PackageFacts } from './package.ts';

export const autoscalingV1: PackageFacts = {
  name: 'io.k8s.api.autoscaling.v1',
  group: 'autoscaling',
  version: 'v1',
  types: `
    CrossVersionObjectReference HorizontalPodAutoscaler HorizontalPodAutoscalerList
    HorizontalPodAutoscalerSpec HorizontalPodAutoscalerStatus Scale ScaleSpec ScaleStatus
  `,
  facts: {
    CrossVersionObjectReference: {
      '.': { mapType: 'atomic' },
    },
  },
};
