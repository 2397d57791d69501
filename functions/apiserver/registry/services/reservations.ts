/**
 * Numbers that Services hold, each an object under its own name, so that the store alone decides who has it: cluster
 * IPs as IPAddress objects (KEP-1880), node ports as objects of an internal type.
 */
import { randomUUID } from 'node:crypto';
import type { IPAddress, Service } from '../../../../lib/api/gen/types.ts';
import { joinKey, type KubeObject, keyOf } from '../../../../lib/api/object.ts';
import { decodeStored, encodeStored } from '../../../../lib/api/stored.ts';
import { parseIp } from '../../../../lib/api/validate/ip.ts';
import { type Clock, rfc3339 } from '../../../../lib/clock.ts';
import type { CachedObject, Freshness, WatchCache } from '../../../../lib/store/cache/index.ts';
import { type Store, StoreConflict } from '../../../../lib/store/port.ts';
import { canonicalIp, familyOf } from './ranges.ts';

export interface Reservation {
  /** The number. */
  name: string;
  /** Of the Service that holds it; undefined for addresses that belong to something else. */
  key: string | undefined;
  /** Milliseconds since the epoch. */
  takenAtMs: number;
}

/** One kind of numbers. A name is a number's canonical text. */
export interface Reservations {
  /** False when somebody has it. */
  take(name: string, service: Service): Promise<boolean>;
  /** False when it was not held, or not by that Service. */
  give(name: string, key: string): Promise<boolean>;
  list(freshness?: Freshness): Promise<Reservation[]>;
}

const ipAddressStorage = 'networking.k8s.io/ipaddresses';
const nodePortStorage = 'kumulus/nodeports';

interface Access {
  store: Store;
  cache: WatchCache;
  clock: Clock;
}

interface NodePortAllocation extends KubeObject {
  kind: 'NodePortAllocation';
  apiVersion: 'kumulus/v1';
  service: string;
}

export function ipReservations(access: Access): Reservations {
  return reservations<IPAddress>(access, ipAddressStorage, {
    make: ipAddressOf,
    holder: ({ spec: { parentRef } }) =>
      parentRef.resource === 'services' && !parentRef.group
        ? joinKey(parentRef.namespace, parentRef.name)
        : undefined,
  });
}

export function nodePortReservations(access: Access): Reservations {
  return reservations<NodePortAllocation>(access, nodePortStorage, {
    make: (name, service, now) => ({
      kind: 'NodePortAllocation',
      apiVersion: 'kumulus/v1',
      metadata: { name, uid: randomUUID(), creationTimestamp: rfc3339(now) },
      service: keyOf(service),
    }),
    holder: ({ service }) => service,
  });
}

function reservations<T extends KubeObject>(
  { store, cache, clock }: Access,
  resource: string,
  kind: {
    make: (name: string, service: Service, now: number) => T;
    holder: (object: T) => string | undefined;
  },
): Reservations {
  const happened = async (work: Promise<unknown>): Promise<boolean> => {
    try {
      await work;
      return true;
    } catch (error) {
      if (error instanceof StoreConflict) return false;
      throw error;
    }
  };
  return {
    take(name, service) {
      const body = encodeStored(kind.make(name, service, clock.now()));
      return happened(store.commit(resource, [{ op: 'create', key: name, body }]));
    },
    async give(name, key) {
      const found = await store.get(resource, name);
      if (!found || kind.holder(decodeStored<T>(found.body, found.revision)) !== key) return false;
      const { body, revision: expected } = found;
      return happened(store.commit(resource, [{ op: 'delete', key: name, body, expected }]));
    },
    async list(freshness = 'consistent') {
      const { items } = await cache.list(resource, { freshness });
      return items.map(({ key: name, object }: CachedObject) => ({
        name,
        key: kind.holder(object as unknown as T),
        takenAtMs: Date.parse(object.metadata.creationTimestamp),
      }));
    },
  };
}

function ipAddressOf(name: string, { metadata }: Service, now: number): IPAddress {
  const ip = parseIp(name);
  return {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name,
      uid: randomUUID(),
      creationTimestamp: rfc3339(now),
      generation: 1,
      labels: {
        'ipaddress.kubernetes.io/ip-family': ip ? familyOf(ip) : '',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: {
      parentRef: {
        resource: 'services',
        namespace: metadata.namespace ?? '',
        name: metadata.name ?? '',
      },
    },
  };
}

/** The addresses of a Service by their canonical names. */
export function clusterIpsOf(service: Service | undefined): string[] {
  const { clusterIP, clusterIPs } = service?.spec ?? {};
  const ips = clusterIPs?.length ? clusterIPs : [clusterIP ?? ''];
  return ips.filter((ip) => ip !== 'None' && ip !== '').map(canonicalIp);
}

/** Every number once. */
export function nodePortsOf(service: Service | undefined): number[] {
  const { ports = [], healthCheckNodePort } = service?.spec ?? {};
  return [
    ...new Set([...ports.map(({ nodePort }) => nodePort), healthCheckNodePort].flatMap((port) => port || [])),
  ];
}
