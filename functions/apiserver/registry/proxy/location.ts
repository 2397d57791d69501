/** Where a request to `pods/proxy`, `services/proxy` or `nodes/proxy` goes on. */
import { lookup } from 'node:dns/promises';
import type { EndpointSlice, Node, Pod, Service } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { badRequest, notFound, serviceUnavailable } from '../../../../lib/api/status.ts';
import { isGlobalUnicast } from '../../../../lib/api/validate/ip.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import { messageOf } from '../../../../lib/errors.ts';
import type { Backend } from '../backend.ts';
import { nodeServerUrl } from '../node-connection.ts';

export interface Location {
  /** `http://10.244.0.5:8080`, without a path. */
  origin: string;
  /** A node's own server is shown our certificate and believed by the cluster's; whatever else listens is not. */
  server: 'node' | 'any';
  /** The server of the pod's node, by way of which the pod is reached; undefined where the node has none. */
  through?: string | undefined;
}

interface Asked {
  scheme: 'http' | 'https';

  name: string;
  /** A number, or the name of a service's port; empty for the first or only one. */
  port: string;
}

/** `name`, `name:port` or `scheme:name:port` */
function parse(id: string, kind: string): Asked {
  const parts = id.split(':');
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts];
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme)) {
    throw badRequest(`invalid ${kind} request ${quote(id)}`);
  }
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port };
}

/** @throws KumulusError BadRequest, NotFound */
export async function podLocation(backend: Backend, namespace: string, id: string): Promise<Location> {
  const { scheme, name, port } = parse(id, 'pod');
  const pod = await read<Pod>(backend, 'pods', namespace, name);
  const declared = pod.spec.containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  const address = pod.status?.podIPs?.[0]?.ip ?? '';
  if (!isGlobalUnicast(address)) throw badRequest('address not allowed');
  const origin = originOf(scheme, address, port || (declared ? String(declared) : ''));
  return { origin, server: 'any', through: await serverOfNode(backend, pod) };
}

async function serverOfNode(backend: Backend, { spec }: Pod): Promise<string | undefined> {
  const found = spec.nodeName ? await backend.cache.get('nodes', spec.nodeName) : undefined;
  const node = found?.object as KubeObject as Node | undefined;
  return node?.status?.daemonEndpoints?.kubeletEndpoint?.Port ? nodeServerUrl(node) : undefined;
}

/**
 * One ready pod of the service, by chance.
 * @throws KumulusError BadRequest, NotFound, ServiceUnavailable
 */
export async function serviceLocation(
  backend: Backend,
  namespace: string,
  id: string,
  random: () => number = Math.random,
): Promise<Location> {
  const { scheme, name, port } = parse(id, 'service');
  const service = await read<Service>(backend, 'services', namespace, name);
  const portName = portNameOf(service, port);
  const { items } = await backend.cache.list('discovery.k8s.io/endpointslices', {
    prefix: `${namespace}/`,
    match: (object) => object.metadata.labels?.['kubernetes.io/service-name'] === name,
  });
  const [family] = service.spec.ipFamilies ?? [];
  const slices = items
    .map(({ object }) => object as KubeObject as EndpointSlice)
    .sort((a, b) => Number(b.addressType === family) - Number(a.addressType === family));
  for (const slice of slices) {
    const found = slice.ports?.find((one) => (one.name ?? '') === portName && one.port !== undefined);
    const endpoints = slice.endpoints ?? [];
    if (!found) continue;
    const first = Math.floor(random() * endpoints.length);
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[(first + index) % endpoints.length];
      const address = endpoint?.addresses[0] ?? '';
      if (!endpoint || endpoint.conditions?.ready === false || !isGlobalUnicast(address)) continue;
      // Only to what is a pod: an address alone could be anything, the control plane's own network too.
      const target = endpoint.targetRef;
      if (target?.kind !== 'Pod' || (target.namespace ?? namespace) !== namespace) continue;
      const cached = await backend.cache.get('pods', `${namespace}/${target.name}`);
      const pod = cached?.object as KubeObject as Pod | undefined;
      if (!pod?.status?.podIPs?.some(({ ip }) => ip === address)) continue;
      const origin = originOf(scheme, address, String(found.port));
      return { origin, server: 'any', through: await serverOfNode(backend, pod) };
    }
  }
  throw serviceUnavailable(`no endpoints available for service ${quote(id)}`);
}

function portNameOf(service: Service, port: string): string {
  if (!/^\d+$/.test(port)) return port;
  const found = service.spec.ports?.find((one) => String(one.port) === String(Number(port)));
  if (!found) {
    throw serviceUnavailable(
      `no service port ${Number(port)} found for service ${quote(service.metadata.name ?? '')}`,
    );
  }
  return found.name ?? '';
}

/** @throws KumulusError BadRequest, NotFound, ServiceUnavailable */
export async function nodeLocation(backend: Backend, id: string): Promise<Location> {
  const { scheme, name, port } = parse(id, 'node');
  const node = await read<Node>(backend, 'nodes', '', name);
  const server = new URL(nodeServerUrl(node));
  if (port === '' || port === server.port) return { origin: server.origin, server: 'node' };
  const host = server.hostname.replace(/^\[|\]$/g, '');
  let addresses: { address: string }[];
  try {
    addresses = await lookup(host, { all: true });
  } catch (error) {
    throw badRequest(messageOf(error));
  }
  if (!addresses.every(({ address }) => isGlobalUnicast(address))) throw badRequest('address not allowed');
  return { origin: originOf(scheme, host, port), server: 'any' };
}

function originOf(scheme: string, host: string, port: string): string {
  if (port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) {
    throw badRequest(`invalid port ${quote(port)}`);
  }
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}${port === '' ? '' : `:${port}`}`;
}

async function read<T extends KubeObject>(
  backend: Backend,
  resource: string,
  namespace: string,
  name: string,
): Promise<T> {
  const found = await backend.cache.get(resource, namespace ? `${namespace}/${name}` : name);
  if (!found) throw notFound({ group: '', resource }, name);
  return found.object as KubeObject as T;
}
