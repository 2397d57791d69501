import type { PackageFacts } from './package.ts';

export const admissionregistrationV1: PackageFacts = {
  name: 'io.k8s.api.admissionregistration.v1',
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  types: `
    ApplyConfiguration AuditAnnotation ExpressionWarning JSONPatch MatchCondition MatchResources
    MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingAdmissionPolicyBindingList
    MutatingAdmissionPolicyBindingSpec MutatingAdmissionPolicyList MutatingAdmissionPolicySpec
    MutatingWebhook MutatingWebhookConfiguration MutatingWebhookConfigurationList Mutation
    NamedRuleWithOperations ParamKind ParamRef RuleWithOperations ServiceReference TypeChecking
    ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingAdmissionPolicyBindingList
    ValidatingAdmissionPolicyBindingSpec ValidatingAdmissionPolicyList ValidatingAdmissionPolicySpec
    ValidatingAdmissionPolicyStatus ValidatingWebhook ValidatingWebhookConfiguration
    ValidatingWebhookConfigurationList Validation Variable WebhookClientConfig
  `,
  always: {
    AuditAnnotation: 'key valueExpression',
    ExpressionWarning: 'fieldRef warning',
    MatchCondition: 'name expression',
    MutatingAdmissionPolicy: 'metadata spec',
    MutatingAdmissionPolicyBinding: 'metadata spec',
    MutatingAdmissionPolicyBindingList: 'metadata items',
    MutatingAdmissionPolicyList: 'metadata items',
    MutatingWebhook: 'name clientConfig admissionReviewVersions',
    MutatingWebhookConfiguration: 'metadata',
    MutatingWebhookConfigurationList: 'metadata items',
    Mutation: 'patchType',
    ServiceReference: 'namespace name',
    ValidatingAdmissionPolicy: 'metadata spec status',
    ValidatingAdmissionPolicyBinding: 'metadata spec',
    ValidatingAdmissionPolicyBindingList: 'metadata items',
    ValidatingAdmissionPolicyList: 'metadata items',
    ValidatingWebhook: 'name clientConfig admissionReviewVersions',
    ValidatingWebhookConfiguration: 'metadata',
    ValidatingWebhookConfigurationList: 'metadata items',
    Validation: 'expression',
    Variable: 'name expression',
  },
  facts: {
    MatchResources: {
      '.': { mapType: 'atomic' },
      matchPolicy: { enum: ['Equivalent', 'Exact'] },
    },
    MutatingAdmissionPolicySpec: {
      failurePolicy: { enum: ['Fail', 'Ignore'] },
      matchConditions: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge'],
        patchMergeKey: 'name',
      },
      reinvocationPolicy: { enum: ['IfNeeded', 'Never'] },
    },
    MutatingWebhook: {
      failurePolicy: { enum: ['Fail', 'Ignore'] },
      matchConditions: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge'],
        patchMergeKey: 'name',
      },
      matchPolicy: { enum: ['Equivalent', 'Exact'] },
      reinvocationPolicy: { enum: ['IfNeeded', 'Never'] },
      sideEffects: { enum: ['None', 'NoneOnDryRun', 'Some', 'Unknown'] },
    },
    MutatingWebhookConfiguration: {
      webhooks: { listType: 'map', listMapKeys: ['name'], patchStrategy: ['merge'], patchMergeKey: 'name' },
    },
    Mutation: {
      patchType: { enum: ['ApplyConfiguration', 'JSONPatch'] },
    },
    NamedRuleWithOperations: {
      '.': { mapType: 'atomic' },
      operations: { enum: ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'] },
      scope: { enum: ['*', 'Cluster', 'Namespaced'] },
    },
    ParamKind: {
      '.': { mapType: 'atomic' },
    },
    ParamRef: {
      '.': { mapType: 'atomic' },
    },
    RuleWithOperations: {
      operations: { enum: ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'] },
      scope: { enum: ['*', 'Cluster', 'Namespaced'] },
    },
    ValidatingAdmissionPolicyBindingSpec: {
      validationActions: { listType: 'set', enum: ['Audit', 'Deny', 'Warn'] },
    },
    ValidatingAdmissionPolicySpec: {
      failurePolicy: { enum: ['Fail', 'Ignore'] },
      matchConditions: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge'],
        patchMergeKey: 'name',
      },
      variables: { listType: 'map', listMapKeys: ['name'], patchStrategy: ['merge'], patchMergeKey: 'name' },
    },
    ValidatingAdmissionPolicyStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'] },
    },
    ValidatingWebhook: {
      failurePolicy: { enum: ['Fail', 'Ignore'] },
      matchConditions: {
        listType: 'map',
        listMapKeys: ['name'],
        patchStrategy: ['merge'],
        patchMergeKey: 'name',
      },
      matchPolicy: { enum: ['Equivalent', 'Exact'] },
      sideEffects: { enum: ['None', 'NoneOnDryRun', 'Some', 'Unknown'] },
    },
    ValidatingWebhookConfiguration: {
      webhooks: { listType: 'map', listMapKeys: ['name'], patchStrategy: ['merge'], patchMergeKey: 'name' },
    },
    Variable: {
      '.': { mapType: 'atomic' },
    },
  },
};
