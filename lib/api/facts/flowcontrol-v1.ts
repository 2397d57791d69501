import type { PackageFacts } from './package.ts';

export const flowcontrolV1: PackageFacts = {
  name: 'io.k8s.api.flowcontrol.v1',
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  types: `
    ExemptPriorityLevelConfiguration FlowDistinguisherMethod FlowSchema FlowSchemaCondition FlowSchemaList
    FlowSchemaSpec FlowSchemaStatus GroupSubject LimitResponse LimitedPriorityLevelConfiguration
    NonResourcePolicyRule PolicyRulesWithSubjects PriorityLevelConfiguration
    PriorityLevelConfigurationCondition PriorityLevelConfigurationList PriorityLevelConfigurationReference
    PriorityLevelConfigurationSpec PriorityLevelConfigurationStatus QueuingConfiguration
    ResourcePolicyRule ServiceAccountSubject Subject UserSubject
  `,
  facts: {
    FlowSchemaStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    NonResourcePolicyRule: {
      nonResourceURLs: { listType: 'set' },
      verbs: { listType: 'set' },
    },
    PriorityLevelConfigurationStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
    ResourcePolicyRule: {
      apiGroups: { listType: 'set' },
      namespaces: { listType: 'set' },
      resources: { listType: 'set' },
      verbs: { listType: 'set' },
    },
  },
};
