/** The rules of the built-in kinds, by group, version and kind. */
import { configMapRules } from './config-map.ts';
import { deploymentRules } from './deployment.ts';
import { endpointSliceRules } from './endpoint-slice.ts';
import { endpointsRules } from './endpoints.ts';
import { coreEventRules, eventRules } from './event.ts';
import { ipAddressRules, serviceCidrRules } from './ip-address.ts';
import { leaseRules } from './lease.ts';
import { namespaceRules } from './namespace.ts';
import { nodeRules } from './node.ts';
import { podRules } from './pod/index.ts';
import { replicaSetRules } from './replica-set.ts';
import type { KindRules } from './rules.ts';
import { secretRules } from './secret.ts';
import { serviceRules } from './service/index.ts';
import { serviceAccountRules } from './service-account.ts';

export type { KindRules } from './rules.ts';

const all: Readonly<Record<string, KindRules>> = {
  '/v1/ConfigMap': configMapRules,
  '/v1/Endpoints': endpointsRules,
  '/v1/Event': coreEventRules,
  '/v1/Namespace': namespaceRules,
  '/v1/Node': nodeRules,
  '/v1/Pod': podRules,
  '/v1/Secret': secretRules,
  '/v1/Service': serviceRules,
  '/v1/ServiceAccount': serviceAccountRules,
  'apps/v1/Deployment': deploymentRules,
  'apps/v1/ReplicaSet': replicaSetRules,
  'coordination.k8s.io/v1/Lease': leaseRules,
  'discovery.k8s.io/v1/EndpointSlice': endpointSliceRules,
  'events.k8s.io/v1/Event': eventRules,
  'networking.k8s.io/v1/IPAddress': ipAddressRules,
  'networking.k8s.io/v1/ServiceCIDR': serviceCidrRules,
};

/** `group` is empty for the core group. Undefined for kinds that are not stored, or not built in. */
export function kindRules(group: string, version: string, kind: string): KindRules | undefined {
  const key = `${group}/${version}/${kind}`;
  return Object.hasOwn(all, key) ? all[key] : undefined;
}
