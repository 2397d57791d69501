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
  always: {
    FlowDistinguisherMethod: 'type',
    FlowSchema: 'metadata spec status',
    FlowSchemaCondition: 'lastTransitionTime',
    FlowSchemaList: 'metadata items',
    FlowSchemaSpec: 'priorityLevelConfiguration matchingPrecedence',
    GroupSubject: 'name',
    LimitResponse: 'type',
    LimitedPriorityLevelConfiguration: 'limitResponse',
    NonResourcePolicyRule: 'verbs nonResourceURLs',
    PolicyRulesWithSubjects: 'subjects',
    PriorityLevelConfiguration: 'metadata spec status',
    PriorityLevelConfigurationCondition: 'lastTransitionTime',
    PriorityLevelConfigurationList: 'metadata items',
    PriorityLevelConfigurationReference: 'name',
    PriorityLevelConfigurationSpec: 'type',
    QueuingConfiguration: 'queues handSize queueLengthLimit',
    ResourcePolicyRule: 'verbs apiGroups resources namespaces',
    ServiceAccountSubject: 'namespace name',
    Subject: 'kind',
    UserSubject: 'name',
  },
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
