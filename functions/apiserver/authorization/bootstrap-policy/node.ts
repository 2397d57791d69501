import type { PolicyRule } from '../../../../lib/api/gen/types.ts';
import { eventsRule, on, readVerbs } from './rule.ts';

/**
 * What a node needs, as far as it does not depend on which node it is. The Node authorizer applies it together with what
 * the node's pods use; the ClusterRole `system:node` shows it, and is bound to nobody.
 */
export const nodeRules: PolicyRule[] = [
  on('authentication.k8s.io', 'tokenreviews', 'create'),
  on('authorization.k8s.io', 'subjectaccessreviews localsubjectaccessreviews', 'create'),
  on('core', 'services', readVerbs),
  on('core', 'nodes', 'create get list watch'),
  on('core', 'nodes/status', 'update patch'),
  on('core', 'nodes', 'update patch'),
  on('core', 'events', 'create update patch'),
  on('core', 'pods', readVerbs),
  on('core', 'pods', 'create delete'),
  on('core', 'pods/status', 'update patch'),
  on('core', 'pods/eviction', 'create'),
  on('core', 'secrets configmaps', readVerbs),
  on('core', 'persistentvolumeclaims persistentvolumes', 'get'),
  on('core', 'endpoints', 'get'),
  on('certificates.k8s.io', 'certificatesigningrequests', 'create get list watch'),
  on('certificates.k8s.io', 'clustertrustbundles', readVerbs),
  on('certificates.k8s.io', 'podcertificaterequests', 'create get list watch'),
  on('coordination.k8s.io', 'leases', 'get create update patch delete'),
  on('storage.k8s.io', 'volumeattachments', 'get'),
  on('core', 'serviceaccounts/token', 'create'),
  on('core', 'persistentvolumeclaims/status', 'get update patch'),
  on('storage.k8s.io', 'csidrivers', readVerbs),
  on('storage.k8s.io', 'csinodes', 'get create update patch delete'),
  on('node.k8s.io', 'runtimeclasses', readVerbs),
  on('resource.k8s.io', 'resourceclaims', 'get'),
  on('resource.k8s.io', 'resourceslices', 'deletecollection'),
  on('core', 'serviceaccounts', 'get'),
];

/** Of kube-proxy. */
export const nodeProxierRules: PolicyRule[] = [
  on('core', 'services endpoints', 'list watch'),
  on('core', 'nodes', readVerbs),
  eventsRule,
  on('networking.k8s.io', 'servicecidrs', 'list watch'),
  on('discovery.k8s.io', 'endpointslices', 'list watch'),
];

/**
 * What a node agent needs beyond a kubelet, as it is the service proxy and the cluster's DNS too. It is less than
 * `system:node-proxier`, which would let every node read all others.
 */
export const nodeAgentRules: PolicyRule[] = [
  on('core', 'services endpoints', 'list watch'),
  on('core events.k8s.io', 'events', 'create update patch'),
  on('networking.k8s.io', 'servicecidrs', 'list watch'),
  on('discovery.k8s.io', 'endpointslices', 'list watch'),
];

/** A machine that joins looks whether its name is taken, as `kubeadm:get-nodes` lets it. */
export const joinerRules: PolicyRule[] = [on('core', 'nodes', 'get')];

/** One process stands for all simulated nodes, so that it cannot be held to one; it reads no secrets, as it runs nothing. */
export const hollowNodeRules: PolicyRule[] = [
  on('core', 'nodes', 'create get list watch update patch'),
  on('core', 'nodes/status', 'update patch'),
  on('core', 'pods', 'get list watch delete'),
  on('core', 'pods/status', 'update patch'),
  on('core events.k8s.io', 'events', 'create update patch'),
  on('coordination.k8s.io', 'leases', 'get create update patch'),
];
