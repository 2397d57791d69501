import type { DiscoveryV1EndpointPort, Endpoint, EndpointSlice } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { semanticEqual } from '../common/equal.ts';

/** kube-controller-manager's default of `--max-endpoints-per-slice`. */
export const maxEndpointsPerSlice = 100;

/** Endpoints that share their ports, as they should be. */
export interface PortGroup {
  ports: DiscoveryV1EndpointPort[];
  endpoints: Endpoint[];
}

export interface Packing {
  /** Endpoint lists of slices to make. */
  create: { ports: DiscoveryV1EndpointPort[]; endpoints: Endpoint[] }[];
  update: { slice: Persisted<EndpointSlice>; endpoints: Endpoint[] }[];
  delete: Persisted<EndpointSlice>[];
  /** Those that stay as they are, unless their metadata is out of date. */
  keep: Persisted<EndpointSlice>[];
}

/**
 * Spreads the endpoints of one address family over slices with the fewest writes (KEP-0752): endpoints stay in the
 * slice where they are; slices that have to change anyway are filled up with new ones; what is left over goes into
 * the one other slice that it fills best, or into new ones. Slices of other ports and empty ones go.
 */
export function pack(groups: readonly PortGroup[], existing: readonly Persisted<EndpointSlice>[]): Packing {
  const packing: Packing = { create: [], update: [], delete: [], keep: [] };
  const rest = new Set(existing);
  for (const group of groups) {
    const own = existing.filter((slice) => rest.has(slice) && samePorts(slice.ports, group.ports));
    for (const slice of own) rest.delete(slice);
    packGroup(group, own, packing);
  }
  packing.delete.push(...rest);
  return packing;
}

function packGroup(group: PortGroup, own: readonly Persisted<EndpointSlice>[], packing: Packing): void {
  const wanted = new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const unchanged: Persisted<EndpointSlice>[] = [];
  const changed: { slice: Persisted<EndpointSlice>; endpoints: Endpoint[] }[] = [];
  for (const slice of own) {
    const kept: Endpoint[] = [];
    let differs = false;
    for (const endpoint of slice.endpoints ?? []) {
      const found = wanted.get(identity(endpoint));
      wanted.delete(identity(endpoint));
      if (found) kept.push(found);
      differs ||= !found || !semanticEqual(found, endpoint);
    }
    if (!differs && kept.length > 0) unchanged.push(slice);
    else if (kept.length > 0) changed.push({ slice, endpoints: kept });
    else packing.delete.push(slice);
  }
  const left = [...wanted.values()];
  // The fullest first, so that the others may become empty in time.
  for (const { endpoints } of changed.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) {
    endpoints.push(...left.splice(0, Math.max(0, maxEndpointsPerSlice - endpoints.length)));
  }
  packing.update.push(...changed);
  placeRest(group.ports, left, unchanged, packing);
}

function placeRest(
  ports: DiscoveryV1EndpointPort[],
  left: Endpoint[],
  unchanged: Persisted<EndpointSlice>[],
  packing: Packing,
): void {
  let stay = unchanged;
  while (left.length > 0) {
    const fits =
      left.length < maxEndpointsPerSlice
        ? stay
            .filter((slice) => sizeOf(slice) + left.length <= maxEndpointsPerSlice)
            .toSorted((a, b) => sizeOf(b) - sizeOf(a))[0]
        : undefined;
    if (fits) {
      packing.update.push({ slice: fits, endpoints: [...(fits.endpoints ?? []), ...left.splice(0)] });
      stay = stay.filter((slice) => slice !== fits);
    } else {
      packing.create.push({ ports, endpoints: left.splice(0, maxEndpointsPerSlice) });
    }
  }
  packing.keep.push(...stay);
}

function sizeOf(slice: EndpointSlice): number {
  return slice.endpoints?.length ?? 0;
}

/** Which pod (or address) an endpoint stands for, whatever its state. */
export function identity({ targetRef, addresses }: Endpoint): string {
  return `${targetRef?.uid ?? ''} ${addresses.join(',')}`;
}

/** Equal whatever their order. */
export function samePorts(
  one: readonly DiscoveryV1EndpointPort[] | undefined,
  other: readonly DiscoveryV1EndpointPort[] | undefined,
): boolean {
  return portsKey(one) === portsKey(other);
}

export function portsKey(ports: readonly DiscoveryV1EndpointPort[] | undefined): string {
  return (ports ?? [])
    .map(
      ({ name = '', port, protocol = 'TCP', appProtocol = '' }) =>
        `${name} ${port} ${protocol} ${appProtocol}`,
    )
    .sort()
    .join('\n');
}
