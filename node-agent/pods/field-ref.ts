import type { Container, Pod, ResourceFieldSelector } from '../../lib/api/gen/types.ts';
import { parseQuantity, quantityMilliValue, quantityValue } from '../../lib/api/quantity/index.ts';
import { KumulusError } from '../../lib/errors.ts';
import { amountOf, milliCpu } from './quantities.ts';

/** What the downward API knows beyond the pod's specification. */
export interface NodeFacts {
  nodeName: string;
  hostIps: readonly string[];
  podIps: readonly string[];
  allocatable: Record<string, string>;
}

/** The value of a pod's field (Downward API, "Available fields"). Throws `BadRequest` on any other path. */
export function fieldValue(pod: Pod, fieldPath: string, node: NodeFacts): string {
  const subscript = /^metadata\.(annotations|labels)\['(.*)'\]$/.exec(fieldPath);
  if (subscript) return pod.metadata[subscript[1] as 'annotations' | 'labels']?.[subscript[2] ?? ''] ?? '';
  switch (fieldPath) {
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations);
    case 'metadata.labels':
      return formatMap(pod.metadata.labels);
    case 'metadata.name':
      return pod.metadata.name ?? '';
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'spec.nodeName':
      return pod.spec.nodeName ?? node.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.hostIP':
      return node.hostIps[0] ?? '';
    case 'status.hostIPs':
      return node.hostIps.join(',');
    case 'status.podIP':
      return node.podIps[0] ?? '';
    case 'status.podIPs':
      return node.podIps.join(',');
    default:
      throw new KumulusError('BadRequest', `unsupported fieldPath: ${fieldPath}`);
  }
}

/** `key="value"` lines in the order of the keys, values quoted and escaped. */
function formatMap(map: Record<string, string> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/**
 * The value of a container's resource, in units of the divisor, rounded up. A limit that is not set is what the node
 * can give; a request that is not set is its limit, or nothing.
 */
export function resourceValue(
  pod: Pod,
  container: Container,
  ref: ResourceFieldSelector,
  node: NodeFacts,
): string {
  const target = ref.containerName
    ? [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
        ({ name }) => name === ref.containerName,
      )
    : container;
  if (!target) throw new KumulusError('NotFound', `container ${ref.containerName} not found`);
  const match = /^(limits|requests)\.(.+)$/.exec(ref.resource);
  const name = match?.[2] ?? '';
  const known = ['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-');
  if (!match || !known) {
    throw new KumulusError('BadRequest', `unsupported container resource : ${ref.resource}`);
  }
  const { limits, requests } = target.resources ?? {};
  const limit = limits?.[name] ?? node.allocatable[name];
  const source =
    match[1] === 'limits' ? { [name]: limit ?? '0' } : { [name]: requests?.[name] ?? limits?.[name] ?? '0' };
  const divisor = parseQuantity(ref.divisor && ref.divisor !== '0' ? ref.divisor : '1');
  if (name === 'cpu') return String(Math.ceil((milliCpu(source) ?? 0) / quantityMilliValue(divisor)));
  return String(Math.ceil((amountOf(source, name) ?? 0) / quantityValue(divisor)));
}
