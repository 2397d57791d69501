import type { EndpointSlice, Service } from '../../lib/api/gen/types.ts';
import { joinKey } from '../../lib/api/object.ts';
import type { Indexers, Lister } from '../../lib/client/lister.ts';

/** One address of a headless Service: what its endpoint records are made of. */
export interface EndpointRecord {
  address: string;
  /** The pod's hostname where it has one, else the address with dashes, as CoreDNS names it. */
  label: string;
  slice: EndpointSlice;
}

const serviceLabel = 'kubernetes.io/service-name';

/** The indexes that the view reads; the informers must have been made with them. */
export const serviceIndexers: Indexers<Service> = {
  dnsNamespace: ({ metadata }) => [metadata.namespace ?? ''],
  dnsAddress: ({ spec }) => (spec.clusterIPs ?? []).filter((ip) => ip !== 'None'),
};
export const sliceIndexers: Indexers<EndpointSlice> = {
  dnsService: ({ metadata }) => [joinKey(metadata.namespace, metadata.labels?.[serviceLabel] ?? '')],
  dnsAddress: ({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses),
};

/** What the cluster's names stand for, read from the informers' memory. */
export interface ClusterView {
  service(namespace: string, name: string): Service | undefined;
  hasNamespace(namespace: string): boolean;
  /** The endpoints of a headless Service that clients may use, each address once. */
  endpoints(service: Service): EndpointRecord[];
  /** Services with this cluster IP, and headless Services with this endpoint. */
  byAddress(address: string): { service: Service; endpoint?: EndpointRecord }[];
}

export function clusterView(services: Lister<Service>, slices: Lister<EndpointSlice>): ClusterView {
  const service = (namespace: string, name: string) => services.get(joinKey(namespace, name));
  return {
    service,
    hasNamespace: (namespace) => services.byIndex('dnsNamespace', namespace).length > 0,
    endpoints: ({ metadata }) =>
      unique(
        slices.byIndex('dnsService', joinKey(metadata.namespace, metadata.name ?? '')).flatMap(recordsOf),
      ),
    byAddress(address) {
      const own = services.byIndex('dnsAddress', address).map((found) => ({ service: found }));
      const endpoints = slices.byIndex('dnsAddress', address).flatMap((slice) => {
        const owner = service(slice.metadata.namespace ?? '', slice.metadata.labels?.[serviceLabel] ?? '');
        const endpoint = recordsOf(slice).find((record) => record.address === address);
        return owner && isHeadless(owner) && endpoint ? [{ service: owner, endpoint }] : [];
      });
      return [...own, ...endpoints];
    },
  };
}

export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIP === 'None';
}

function recordsOf(slice: EndpointSlice): EndpointRecord[] {
  return (
    (slice.endpoints ?? [])
      // Absent means ready (EndpointSlice API); the controller has taken publishNotReadyAddresses into account.
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses, hostname }) =>
        addresses.map((address) => ({ address, label: hostname || address.replaceAll(/[.:]/g, '-'), slice })),
      )
  );
}

/** Between two writes of the controller an address may stand in two slices. */
function unique(records: EndpointRecord[]): EndpointRecord[] {
  const seen = new Set<string>();
  return records.filter(({ address }) => !seen.has(address) && seen.add(address));
}
