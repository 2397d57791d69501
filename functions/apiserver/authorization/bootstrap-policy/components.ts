/** The roles of the cluster's parts and of what is commonly added to it ("Using RBAC Authorization", core component roles). */
import type { PolicyRule } from '../../../../lib/api/gen/types.ts';
import { at, eventsRule, on, readUpdateVerbs, readVerbs, readWriteVerbs } from './rule.ts';
import { nodeProxierRules, nodeRules } from './node.ts';

const health = '/livez /readyz /healthz /version /version/';
const certificates = 'certificates.k8s.io';
const delegated = [
  on('authentication.k8s.io', 'tokenreviews', 'create'),
  on('authorization.k8s.io', 'subjectaccessreviews', 'create'),
];

/** By name. */
export const componentRoles: Readonly<Record<string, PolicyRule[]>> = {
  'system:discovery': [at(`${health} /openapi /openapi/* /api /api/* /apis /apis/*`)],
  'system:public-info-viewer': [at(health)],
  'system:basic-user': [
    on('authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews', 'create'),
    on('authentication.k8s.io', 'selfsubjectreviews', 'create'),
  ],
  'system:monitoring': [
    at('/metrics /metrics/slis /livez /readyz /healthz /livez/* /readyz/* /healthz/*'),
    at('/flagz'),
    at('/statusz'),
  ],
  'system:service-account-issuer-discovery': [
    at(
      `/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/`,
    ),
  ],
  'system:auth-delegator': delegated,
  'system:heapster': [
    on('core', 'events pods nodes namespaces', readVerbs),
    on('extensions', 'deployments', readVerbs),
  ],
  // A pod may project any bundle: what it may mount its account may read.
  'system:cluster-trust-bundle-discovery': [on(certificates, 'clustertrustbundles', readVerbs)],
  'system:kube-aggregator': [on('core', 'services endpoints', readVerbs)],
  'system:kube-dns': [on('core', 'endpoints services', 'list watch')],
  'system:kubelet-api-admin': [
    on('core', 'nodes', readVerbs),
    on('core', 'nodes', 'proxy'),
    on('core', 'nodes/proxy nodes/metrics nodes/stats nodes/log', '*'),
    on('core', 'nodes/configz nodes/healthz nodes/pods', '*'),
  ],
  'system:node': nodeRules,
  'system:node-proxier': nodeProxierRules,
  'system:node-bootstrapper': [on(certificates, 'certificatesigningrequests', 'create get list watch')],
  'system:node-problem-detector': [
    on('core', 'nodes', 'get'),
    on('core', 'nodes/status', 'patch'),
    eventsRule,
  ],
  'system:persistent-volume-provisioner': [
    on('core', 'persistentvolumes', 'get list watch create delete'),
    on('core', 'persistentvolumeclaims', 'get list watch update'),
    on('storage.k8s.io', 'storageclasses', readVerbs),
    on('core', 'events', 'watch'),
    eventsRule,
  ],
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': [
    on(certificates, 'certificatesigningrequests/nodeclient', 'create'),
  ],
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': [
    on(certificates, 'certificatesigningrequests/selfnodeclient', 'create'),
  ],
  'system:certificates.k8s.io:legacy-unknown-approver': [
    on(certificates, 'signers', 'approve', 'kubernetes.io/legacy-unknown'),
  ],
  'system:certificates.k8s.io:kubelet-serving-approver': [
    on(certificates, 'signers', 'approve', 'kubernetes.io/kubelet-serving'),
  ],
  'system:certificates.k8s.io:kube-apiserver-client-approver': [
    on(certificates, 'signers', 'approve', 'kubernetes.io/kube-apiserver-client'),
  ],
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': [
    on(certificates, 'signers', 'approve', 'kubernetes.io/kube-apiserver-client-kubelet'),
  ],
  'system:kube-controller-manager': [
    eventsRule,
    on('coordination.k8s.io', 'leases', 'create'),
    on('coordination.k8s.io', 'leases', 'get update', 'kube-controller-manager'),
    on('core', 'secrets serviceaccounts', 'create'),
    on('core', 'secrets', 'delete'),
    on('core', 'namespaces secrets serviceaccounts configmaps', 'get'),
    on('core', 'secrets serviceaccounts', 'update'),
    ...delegated,
    // Informers are shared by all controllers; what each writes, it writes as itself.
    on('*', '*', 'list watch'),
    on('core', 'serviceaccounts/token', 'create'),
  ],
  'system:kube-scheduler': [
    eventsRule,
    on('coordination.k8s.io', 'leases', 'create'),
    on('coordination.k8s.io', 'leases', 'get update list watch', 'kube-scheduler'),
    on('coordination.k8s.io', 'leasecandidates', readWriteVerbs),
    on('core', 'nodes', readVerbs),
    on('core', 'pods', 'get list watch delete'),
    on('core', 'pods/binding bindings', 'create'),
    on('core', 'pods/status', 'patch update'),
    on('core', 'services replicationcontrollers', readVerbs),
    on('apps extensions', 'replicasets', readVerbs),
    on('apps', 'statefulsets', readVerbs),
    on('policy', 'poddisruptionbudgets', readVerbs),
    on('core', 'persistentvolumeclaims persistentvolumes', readVerbs),
    ...delegated,
    on('storage.k8s.io', 'csinodes', readVerbs),
    on('storage.k8s.io', 'volumeattachments', readVerbs),
    on('core', 'namespaces', readVerbs),
    on('storage.k8s.io', 'csidrivers', readVerbs),
    on('storage.k8s.io', 'csistoragecapacities', readVerbs),
    on('resource.k8s.io', 'deviceclasses', readVerbs),
    on('resource.k8s.io', 'resourceclaims', readUpdateVerbs),
    on('resource.k8s.io', 'resourceclaims/status', readUpdateVerbs),
    on('core', 'pods/finalizers', readUpdateVerbs),
    on('resource.k8s.io', 'resourceslices', readVerbs),
  ],
  'system:volume-scheduler': [
    on('core', 'persistentvolumes', readUpdateVerbs),
    on('storage.k8s.io', 'storageclasses', readVerbs),
    on('core', 'persistentvolumeclaims', readUpdateVerbs),
  ],
};
