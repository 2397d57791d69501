/**
 * What every cluster holds from the start. Each object is made when it is missing and mended when it must differ (the
 * API server's address may have changed); running it again, or twice at once, comes to the same.
 */
import type { ConfigMap, Endpoints, EndpointSlice, Namespace, Service } from '../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import type { KubeClient, Resource } from '../../../lib/client/port.ts';
import {
  configMaps,
  endpointSlices,
  endpoints,
  namespaces,
  services,
} from '../../../lib/client/resources.ts';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/log.ts';
import { nthAddress } from './addresses.ts';

export interface BootstrapOptions {
  client: KubeClient;
  /** `10.96.0.0/16` */
  serviceCidr: string;
  /** Where pods and nodes reach the API server. */
  advertise: { address: string; port: number };
  /** PEM, of the authority that client certificates are verified against. */
  clusterCa: string;
  log: Logger;
  clock?: Clock;
  random?: () => number;
}

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const maxAttempts = 8;
const firstRetryMs = 100;

export async function bootstrapCluster(options: BootstrapOptions): Promise<void> {
  for (const name of systemNamespaces) await ensure(options, namespaces, namespace(name));
  await ensure(options, configMaps, authenticationConfig(options.clusterCa));
  await ensure(options, services, kubernetesService(options));
  await ensure(options, endpoints, kubernetesEndpoints(options), (current, wanted) => {
    current.subsets = wanted.subsets;
  });
  await ensure(options, endpointSlices, kubernetesEndpointSlice(options), (current, wanted) => {
    current.endpoints = wanted.endpoints;
    current.ports = wanted.ports;
  });
  await ensure(options, services, dnsService(options));
}

/** Makes the object, or brings the one that is there to `wanted` by `mend` (absent: whatever is there is right). */
async function ensure<T extends KubeObject>(
  options: BootstrapOptions,
  resource: Resource<T>,
  wanted: T,
  mend?: (current: Persisted<T>, wanted: T) => void,
): Promise<void> {
  const { client, log, clock = systemClock, random = Math.random } = options;
  const ref = { namespace: wanted.metadata.namespace, name: wanted.metadata.name ?? '' };
  for (let attempt = 1; ; attempt++) {
    try {
      const current = await getOrCreate(client, resource, ref, wanted);
      if (!current || !mend) return;
      const mended = structuredClone(current);
      mend(mended, wanted);
      if (JSON.stringify(mended) !== JSON.stringify(current)) await client.update(resource, mended);
      return;
    } catch (error) {
      if (attempt === maxAttempts) throw error;
      log.warn(
        { kind: resource.kind, ...ref, error: messageOf(error), attempt },
        'an object of the system cannot be made yet',
      );
      await clock.sleep(firstRetryMs * 2 ** (attempt - 1) * (0.75 + random() / 2));
    }
  }
}

/** Undefined when it had to be created. */
async function getOrCreate<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  ref: { namespace?: string; name: string },
  wanted: T,
): Promise<Persisted<T> | undefined> {
  try {
    return await client.get(resource, ref);
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
  }
  try {
    await client.create(resource, wanted);
    return undefined;
  } catch (error) {
    // Another API server was quicker.
    if (isKind(error, 'AlreadyExists')) return await client.get(resource, ref);
    throw error;
  }
}

function namespace(name: string): Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} };
}

/** How extension API servers learn whom to believe (kube-apiserver's cluster authentication info). */
function authenticationConfig(clusterCa: string): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'kube-system', name: 'extension-apiserver-authentication' },
    data: { 'client-ca-file': clusterCa },
  };
}

function kubernetesService({ serviceCidr, advertise }: BootstrapOptions): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace: 'default',
      name: 'kubernetes',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: nthAddress(serviceCidr, 1),
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: advertise.port }],
      sessionAffinity: 'None',
    },
  };
}

function kubernetesEndpoints({ advertise }: BootstrapOptions): Endpoints {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      namespace: 'default',
      name: 'kubernetes',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [
      {
        addresses: [{ ip: advertise.address }],
        ports: [{ name: 'https', port: advertise.port, protocol: 'TCP' }],
      },
    ],
  };
}

function kubernetesEndpointSlice({ advertise }: BootstrapOptions): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'default',
      name: 'kubernetes',
      labels: { 'kubernetes.io/service-name': 'kubernetes' },
    },
    addressType: advertise.address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [advertise.address], conditions: { ready: true } }],
    ports: [{ name: 'https', port: advertise.port, protocol: 'TCP' }],
  };
}

/** Under the usual name and address; each node answers for it, so there is nothing to select. */
function dnsService({ serviceCidr }: BootstrapOptions): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace: 'kube-system',
      name: 'kube-dns',
      labels: {
        'k8s-app': 'kube-dns',
        'kubernetes.io/cluster-service': 'true',
        'kubernetes.io/name': 'CoreDNS',
      },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: nthAddress(serviceCidr, 10),
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
      ],
      sessionAffinity: 'None',
    },
  };
}
