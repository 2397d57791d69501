import type { PackageFacts } from './package.ts';

export const policyV1: PackageFacts = {
  name: 'io.k8s.api.policy.v1',
  group: 'policy',
  version: 'v1',
  types: `
    Eviction PodDisruptionBudget PodDisruptionBudgetList PodDisruptionBudgetSpec PodDisruptionBudgetStatus
  `,
  always: {
    Eviction: 'metadata',
    PodDisruptionBudget: 'metadata spec status',
    PodDisruptionBudgetList: 'metadata items',
    PodDisruptionBudgetStatus: 'disruptionsAllowed currentHealthy desiredHealthy expectedPods',
  },
  facts: {
    PodDisruptionBudgetSpec: {
      selector: { patchStrategy: ['replace'] },
      unhealthyPodEvictionPolicy: { enum: ['AlwaysAllow', 'IfHealthyBudget'] },
    },
    PodDisruptionBudgetStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
  },
};
