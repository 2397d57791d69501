import type { PackageFacts } from './package.ts';

export const networkingV1: PackageFacts = {
  name: 'io.k8s.api.networking.v1',
  group: 'networking.k8s.io',
  version: 'v1',
  types: `
    HTTPIngressPath HTTPIngressRuleValue IPAddress IPAddressList IPAddressSpec IPBlock Ingress
    IngressBackend IngressClass IngressClassList IngressClassParametersReference IngressClassSpec
    IngressList IngressLoadBalancerIngress IngressLoadBalancerStatus IngressPortStatus IngressRule
    IngressServiceBackend IngressSpec IngressStatus IngressTLS NetworkPolicy NetworkPolicyEgressRule
    NetworkPolicyIngressRule NetworkPolicyList NetworkPolicyPeer NetworkPolicyPort NetworkPolicySpec
    ParentReference ServiceBackendPort ServiceCIDR ServiceCIDRList ServiceCIDRSpec ServiceCIDRStatus
  `,
  always: {
    HTTPIngressPath: 'backend',
    HTTPIngressRuleValue: 'paths',
    IPAddress: 'metadata spec',
    IPAddressList: 'metadata items',
    IPBlock: 'cidr',
    Ingress: 'metadata spec status',
    IngressClass: 'metadata spec',
    IngressClassList: 'metadata items',
    IngressClassParametersReference: 'kind name',
    IngressList: 'metadata items',
    IngressPortStatus: 'port protocol',
    IngressServiceBackend: 'name port',
    IngressStatus: 'loadBalancer',
    NetworkPolicy: 'metadata spec',
    NetworkPolicyList: 'metadata items',
    NetworkPolicySpec: 'podSelector',
    ServiceCIDR: 'metadata spec status',
    ServiceCIDRList: 'metadata items',
  },
  facts: {
    HTTPIngressPath: {
      pathType: { enum: ['Exact', 'ImplementationSpecific', 'Prefix'] },
    },
    IngressPortStatus: {
      protocol: { enum: ['SCTP', 'TCP', 'UDP'] },
    },
    NetworkPolicyPort: {
      protocol: { enum: ['SCTP', 'TCP', 'UDP'] },
    },
    NetworkPolicySpec: {
      policyTypes: { enum: ['Egress', 'Ingress'] },
    },
    ServiceBackendPort: {
      '.': { mapType: 'atomic' },
    },
    ServiceCIDRStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'], patchStrategy: ['merge'], patchMergeKey: 'type' },
    },
  },
};
