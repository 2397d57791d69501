import type { PackageFacts } from './package.ts';

export const apiextensionsV1: PackageFacts = {
  name: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1',
  group: 'apiextensions.k8s.io',
  version: 'v1',
  types: `
    CustomResourceColumnDefinition CustomResourceConversion CustomResourceDefinition
    CustomResourceDefinitionCondition CustomResourceDefinitionList CustomResourceDefinitionNames
    CustomResourceDefinitionSpec CustomResourceDefinitionStatus CustomResourceDefinitionVersion
    CustomResourceSubresourceScale CustomResourceSubresources CustomResourceValidation
    ExternalDocumentation JSONSchemaProps SelectableField ServiceReference ValidationRule
    WebhookClientConfig WebhookConversion
  `,
  always: {
    CustomResourceColumnDefinition: 'name type jsonPath',
    CustomResourceConversion: 'strategy',
    CustomResourceDefinition: 'metadata spec status',
    CustomResourceDefinitionCondition: 'type status lastTransitionTime',
    CustomResourceDefinitionList: 'metadata items',
    CustomResourceDefinitionNames: 'plural kind',
    CustomResourceDefinitionSpec: 'group names scope versions',
    CustomResourceDefinitionStatus: 'conditions acceptedNames storedVersions',
    CustomResourceDefinitionVersion: 'name served storage',
    CustomResourceSubresourceScale: 'specReplicasPath statusReplicasPath',
    SelectableField: 'jsonPath',
    ServiceReference: 'namespace name',
    ValidationRule: 'rule',
    WebhookConversion: 'conversionReviewVersions',
  },
  facts: {
    CustomResourceDefinitionStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'] },
    },
    JSONSchemaProps: {
      'x-kubernetes-validations': {
        listType: 'map',
        listMapKeys: ['rule'],
        patchStrategy: ['merge'],
        patchMergeKey: 'rule',
      },
    },
  },
};
