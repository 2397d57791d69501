/** Who a controller is to the API server: a service account of its own in `kube-system`, with upstream's role for it. */
import { createInProcessClient } from '../../lib/client/in-process.ts';
import type { KubeClientOptions } from '../../lib/client/kube-client.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import type { ApiHandler, UserInfo } from '../../lib/http/types.ts';

/** Accounts that are not called as their controller; the names are kube-controller-manager's. */
const accounts: Readonly<Record<string, string>> = {
  'clusterrole-aggregation': 'clusterrole-aggregation-controller',
  'ephemeral-volume': 'ephemeral-volume-controller',
  'garbage-collector': 'generic-garbage-collector',
  'legacy-serviceaccount-token-cleaner': 'legacy-service-account-token-cleaner',
  'node-ipam': 'node-controller',
  'node-lifecycle': 'node-controller',
  'persistentvolume-binder': 'persistent-volume-binder',
  'persistentvolume-expander': 'expand-controller',
  'persistentvolume-protection': 'pv-protection-controller',
  'persistentvolumeclaim-protection': 'pvc-protection-controller',
  'pod-garbage-collector': 'pod-garbage-collector',
  'resource-claim': 'resource-claim-controller',
  'root-ca-certificate-publisher': 'root-ca-cert-publisher',
  'service-cidr-controller': 'service-cidrs-controller',
  'taint-eviction': 'node-controller',
  'ttl-after-finished': 'ttl-after-finished-controller',
  'volumeattributesclass-protection': 'volumeattributesclass-protection-controller',
  attachdetach: 'attachdetach-controller',
  bootstrapsigner: 'bootstrap-signer',
  cronjob: 'cronjob-controller',
  csrapproving: 'certificate-controller',
  csrcleaner: 'certificate-controller',
  csrsigning: 'certificate-controller',
  daemonset: 'daemon-set-controller',
  deployment: 'deployment-controller',
  disruption: 'disruption-controller',
  endpoints: 'endpoint-controller',
  endpointslice: 'endpointslice-controller',
  'endpointslice-mirroring': 'endpointslicemirroring-controller',
  horizontalpodautoscaling: 'horizontal-pod-autoscaler',
  job: 'job-controller',
  namespace: 'namespace-controller',
  replicaset: 'replicaset-controller',
  replicationcontroller: 'replication-controller',
  resourcequota: 'resourcequota-controller',
  serviceaccount: 'service-account-controller',
  statefulset: 'statefulset-controller',
  tokencleaner: 'token-cleaner',
  ttl: 'ttl-controller',
};

/** Informers are shared by all controllers and read as this user, who can read everything and write next to nothing. */
const informersUser: UserInfo = {
  username: 'system:kube-controller-manager',
  groups: ['system:authenticated'],
};
const userAgent = 'kube-controller-manager';

/** The client that one controller writes with. */
export type ControllerClientFor = (controller: string, options?: ControllerClientOptions) => KubeClient;

export type ControllerClientOptions = Pick<KubeClientOptions, 'maxRetries' | 'workSignal'>;

/** The clients of controllers in the API server's process: what they read together, and each one's own. */
export function controllerClients(handle: ApiHandler): {
  client: KubeClient;
  clientFor: ControllerClientFor;
} {
  return {
    client: createInProcessClient(handle, informersUser, { userAgent }),
    clientFor: (controller, options) =>
      createInProcessClient(handle, controllerUser(controller), { ...options, userAgent }),
  };
}

function controllerUser(controller: string): UserInfo {
  const account = (Object.hasOwn(accounts, controller) && accounts[controller]) || controller;
  return {
    username: `system:serviceaccount:kube-system:${account}`,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
  };
}
