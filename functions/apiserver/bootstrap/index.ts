/** What every cluster has from its first moment on. Each step may have been done before, in part or by another process. */
import type { Endpoints, EndpointSlice, Service } from '../../../lib/api/gen/types.ts';
import { systemPriorityClasses } from '../../../lib/api/kinds/scheduling/priority-class.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { equalJson } from '../../../lib/api/patch/index.ts';
import type { JsonValue } from '../../../lib/api/object.ts';
import { type Clock, rfc3339 } from '../../../lib/clock.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import type { KubeClient, Resource } from '../../../lib/client/port.ts';
import {
  configMaps,
  endpointSlices,
  endpoints,
  namespaces,
  priorityClasses,
  serviceCidrs,
  services,
} from '../../../lib/client/resources.ts';
import { stringify } from 'yaml';
import { isKind, messageOf } from '../../../lib/errors.ts';
import type { ApiHandler } from '../../../lib/http/types.ts';
import type { Logger } from '../../../lib/log.ts';
import { ensureFlowControl } from './flow-control.ts';
import { bootstrapUser } from '../authorization/bootstrap-user.ts';
import { reconcilePolicy } from '../authorization/bootstrap-policy/reconcile.ts';
import { nthAddress, parseServiceCidrs } from '../registry/services/ranges.ts';

export interface BootstrapOptions {
  handle: ApiHandler;
  clock: Clock;
  log: Logger;
  serviceCidr: string;
  advertise: { address: string; port: number };
  clusterCa: string;
}

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const maxAttempts = 8;
const dnsOffset = 10;

export async function bootstrap(options: BootstrapOptions): Promise<void> {
  const client = bootstrapClient(options.handle);
  const ranges = parseServiceCidrs(options.serviceCidr);
  const addressOf = (nth: number) => (ranges[0] ? nthAddress(ranges[0], nth) : '');
  for (const name of systemNamespaces) {
    await attempt(options, `namespace ${name}`, () =>
      ensure(client, namespaces, { metadata: { name }, spec: {} }),
    );
  }
  for (const priorityClass of systemPriorityClasses) {
    await attempt(options, `PriorityClass ${priorityClass.metadata.name}`, () =>
      ensure(client, priorityClasses, priorityClass),
    );
  }
  await attempt(options, 'flow schemas and priority levels', () => ensureFlowControl(client, options.clock));
  await attempt(options, 'roles and bindings', () => reconcilePolicy(client));
  await attempt(options, 'ServiceCIDR kubernetes', () =>
    ensureServiceCidr(
      client,
      options,
      ranges.map(({ cidr }) => cidr),
    ),
  );
  await attempt(options, 'service kubernetes', async () => {
    await ensure(client, services, kubernetesService(addressOf(1), options.advertise.port));
    await ensureEndpoints(client, options.advertise);
  });
  await attempt(options, 'service kube-dns', () =>
    ensure(client, services, dnsService(addressOf(dnsOffset))),
  );
  await attempt(options, 'configmap extension-apiserver-authentication', () =>
    ensureData(client, { 'client-ca-file': options.clusterCa }),
  );
  await attempt(options, 'configmap of legacy tokens', () => ensureTokenTracking(client, options.clock));
  await attempt(options, 'configmap cluster-info', () => ensureClusterInfo(client, options));
}

/** The server as its own client. */
export function bootstrapClient(handle: ApiHandler): KubeClient {
  return createInProcessClient(handle, bootstrapUser, { userAgent: 'kube-apiserver' });
}

async function attempt(
  { clock, log }: BootstrapOptions,
  what: string,
  step: () => Promise<void>,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await step();
    } catch (error) {
      if (tries >= maxAttempts || isKind(error, 'Invalid', 'BadRequest', 'Forbidden')) throw error;
      log.warn({ what, reason: messageOf(error) }, 'bootstrap step failed, trying again');
      await clock.sleep(Math.min(2_000, 50 * 2 ** tries) * (0.5 + Math.random() / 2));
    }
  }
}

/** Creates it where there is none; what a user has changed since stays. */
async function ensure<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
): Promise<void> {
  const { namespace, name = '' } = object.metadata;
  try {
    await client.get(resource, { namespace, name });
    return;
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
  }
  try {
    await client.create(resource, object);
  } catch (error) {
    if (!isKind(error, 'AlreadyExists')) throw error;
  }
}

/** The range, or two, that the cluster starts with; a second family may come later. What became of it since stays. */
async function ensureServiceCidr(
  client: KubeClient,
  { clock, log }: BootstrapOptions,
  cidrs: string[],
): Promise<void> {
  await ensure(client, serviceCidrs, { metadata: { name: 'kubernetes' }, spec: { cidrs } });
  let found = await client.get(serviceCidrs, { name: 'kubernetes' });
  if (found.metadata.deletionTimestamp) return;
  const has = found.spec.cidrs ?? [];
  if (has.length === 1 && cidrs.length === 2 && has[0] === cidrs[0]) {
    found = await client.update(serviceCidrs, { ...found, spec: { cidrs } });
  } else if (has.join() !== cidrs.join()) {
    log.warn({ has, cidrs }, 'the ServiceCIDR kubernetes is not the range that this server is started with');
    return;
  }
  if (found.status?.conditions?.some(({ type }) => type === 'Ready')) return;
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: '',
    message: 'Kubernetes default Service CIDR is ready',
    lastTransitionTime: rfc3339(clock.now()),
  };
  await client.update(
    serviceCidrs,
    { ...found, status: { conditions: [condition] } },
    { subresource: 'status' },
  );
}

function kubernetesService(clusterIP: string, targetPort: number): Service {
  return {
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { provider: 'kubernetes', component: 'apiserver' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort }],
    },
  };
}

function dnsService(clusterIP: string): Service {
  return {
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: {
        'k8s-app': 'kube-dns',
        'kubernetes.io/cluster-service': 'true',
        'kubernetes.io/name': 'CoreDNS',
      },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      ports: [
        { name: 'dns', protocol: 'UDP', port: 53, targetPort: 53 },
        { name: 'dns-tcp', protocol: 'TCP', port: 53, targetPort: 53 },
      ],
    },
  };
}

/** Where the API server is to be found now; an address of an earlier start is replaced. */
async function ensureEndpoints(
  client: KubeClient,
  { address, port }: { address: string; port: number },
): Promise<void> {
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  const wanted: Endpoints = {
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [{ addresses: [{ ip: address }], ports }],
  };
  await put(client, endpoints, wanted, 'subsets');
  const slice: EndpointSlice = {
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'kubernetes' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports,
  };
  await put(client, endpointSlices, slice, 'endpoints', 'ports');
}

async function ensureData(client: KubeClient, data: Record<string, string>): Promise<void> {
  const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
  await put(client, configMaps, { metadata, data }, 'data');
}

/** From when on it is known which of the old service account tokens are used (KEP-2799). */
function ensureTokenTracking(client: KubeClient, clock: Clock): Promise<void> {
  return ensure(client, configMaps, {
    metadata: {
      name: 'kube-apiserver-legacy-service-account-token-tracking',
      namespace: 'kube-system',
    },
    data: { since: rfc3339(clock.now()).slice(0, 10) },
  });
}

/** For those who join, as kubeadm has it; its signatures are the bootstrap signer's. */
async function ensureClusterInfo(
  client: KubeClient,
  { advertise, clusterCa }: BootstrapOptions,
): Promise<void> {
  const cluster = {
    'certificate-authority-data': Buffer.from(clusterCa).toString('base64'),
    server: `https://${advertise.address}:${advertise.port}`,
  };
  const kubeconfig = stringify({
    apiVersion: 'v1',
    clusters: [{ cluster, name: '' }],
    contexts: null,
    'current-context': '',
    kind: 'Config',
    preferences: {},
    users: null,
  });
  const metadata = { name: 'cluster-info', namespace: 'kube-public' };
  await ensure(client, configMaps, { metadata, data: { kubeconfig } });
  const found = await client.get(configMaps, metadata);
  if (found.data?.kubeconfig === kubeconfig) return;
  await client.update(configMaps, { ...found, data: { ...found.data, kubeconfig } });
}

/** Creates it, or brings the named fields up to date. */
async function put<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  ...fields: (keyof T)[]
): Promise<void> {
  await ensure(client, resource, object);
  const { namespace, name = '' } = object.metadata;
  const found = await client.get(resource, { namespace, name });
  const isSame = fields.every((field) => equalJson(found[field] as JsonValue, object[field] as JsonValue));
  if (isSame) return;
  const wanted = Object.fromEntries(fields.map((field) => [field, object[field]]));
  await client.update(resource, { ...found, ...wanted });
}
