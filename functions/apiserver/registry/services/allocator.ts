/**
 * The numbers that Services hold: cluster IPs as IPAddress objects (KEP-1880), node ports as objects of an internal
 * type. Each is taken by creating an object under its own name, so that the store alone decides who has it.
 *
 * A number is taken before its Service is written and given back after the Service is gone or refused; a crash between
 * the two leaves a number without a Service, which the repair pass finds.
 */
import { randomUUID } from 'node:crypto';
import type { IPAddress, Service } from '../../../../lib/api/gen/types.ts';
import { needsHealthCheck } from '../../../../lib/api/kinds/core/service/index.ts';
import { keyOf } from '../../../../lib/api/object.ts';
import { invalid, internal } from '../../../../lib/api/status.ts';
import { encodeStored } from '../../../../lib/api/stored.ts';
import { type FieldError, invalidValue } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { type Clock, rfc3339 } from '../../../../lib/clock.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import { type Store, StoreConflict } from '../../../../lib/store/port.ts';
import type { RegistryEntry } from '../registry.ts';
import type { AnyObject } from '../strategy.ts';
import {
  type AddressRange,
  candidates,
  formatAddress,
  parseAddress,
  parseCidr,
  parsePortRange,
  staticBand,
} from './ranges.ts';

/** What was taken for a write. Exactly one of the two is called when its outcome is known. */
export interface Hold {
  /** The write happened: what the object no longer has is given back. */
  done(): Promise<void>;
  /** It did not: what was taken for it is given back. */
  undo(): Promise<void>;
}

export interface ServiceAllocator {
  /** Fills in the numbers that a Service lacks and takes them; nothing for other kinds. */
  hold(entry: RegistryEntry, next: AnyObject, current: AnyObject | undefined, dryRun: boolean): Promise<Hold>;
  /** The object is gone. */
  release(entry: RegistryEntry, gone: AnyObject): Promise<void>;
  /** Gives back numbers that no Service has. Those taken in the last minute may belong to a write under way. */
  repair(): Promise<number>;
}

export const ipAddressStorage = 'networking.k8s.io/ipaddresses';
export const nodePortStorage = 'kumulus/nodeports';
const serviceStorage = 'services';
const repairGraceMs = 60_000;
export const nothingHeld: Hold = { done: () => Promise.resolve(), undo: () => Promise.resolve() };

interface NodePortAllocation {
  kind: 'NodePortAllocation';
  apiVersion: 'kumulus/v1';
  metadata: { name: string; uid: string; creationTimestamp: string };
  service: string;
}

export function createServiceAllocator(options: {
  store: Store;
  cache: WatchCache;
  clock: Clock;
  serviceCidr: string;
  nodePortRange: string;
  random?: () => number;
}): ServiceAllocator {
  const { store, cache, clock, random = Math.random } = options;
  const range = parseCidr(options.serviceCidr);
  const ports = parsePortRange(options.nodePortRange);

  const take = async (resource: string, name: string, object: object): Promise<boolean> => {
    try {
      await store.commit(resource, [{ op: 'create', key: name, body: encodeStored(object as never) }]);
      return true;
    } catch (error) {
      if (error instanceof StoreConflict) return false;
      throw error;
    }
  };
  const give = async (
    resource: string,
    name: string,
    belongs: (object: AnyObject) => boolean,
  ): Promise<boolean> => {
    const found = await store.get(resource, name);
    if (!found || !belongs(JSON.parse(Buffer.from(found.body).toString()) as AnyObject)) return false;
    try {
      await store.commit(resource, [{ op: 'delete', key: name, body: found.body, expected: found.revision }]);
      return true;
    } catch (error) {
      if (error instanceof StoreConflict) return false;
      throw error;
    }
  };
  const takeIp = (ip: string, service: Service) =>
    take(ipAddressStorage, ip, ipAddressFor(ip, service, clock.now()));
  const takePort = (port: number, service: Service) => {
    const allocation: NodePortAllocation = {
      kind: 'NodePortAllocation',
      apiVersion: 'kumulus/v1',
      metadata: { name: String(port), uid: randomUUID(), creationTimestamp: rfc3339(clock.now()) },
      service: keyOf(service),
    };
    return take(nodePortStorage, String(port), allocation);
  };
  const giveIp = (ip: string, key: string) =>
    give(ipAddressStorage, ip, (object) => parentKey(object as unknown as IPAddress) === key);
  const givePort = (port: number, key: string) =>
    give(nodePortStorage, String(port), (object) => object.service === key);

  const freeIp = async (service: Service): Promise<string> => {
    const used = await usedNames(cache, ipAddressStorage);
    const size = range.size - 2;
    for (const offset of candidates(size, staticBand(size, 16, 16, 256), random)) {
      const ip = formatAddress(range.base + 1 + offset);
      if (!used.has(ip) && (await takeIp(ip, service))) return ip;
    }
    throw internal(`failed to allocate a serviceIP: range is full`);
  };
  const freePort = async (service: Service): Promise<number> => {
    const used = await usedNames(cache, nodePortStorage);
    const size = ports.last - ports.first + 1;
    for (const offset of candidates(size, staticBand(size, 16, 32, 128), random)) {
      const port = ports.first + offset;
      if (!used.has(String(port)) && (await takePort(port, service))) return port;
    }
    throw internal('failed to allocate a nodePort: range is full');
  };

  return {
    async hold(entry, object, currentObject, dryRun) {
      if (entry.storage !== serviceStorage) return nothingHeld;
      const service = object as unknown as Service;
      const current = currentObject as unknown as Service | undefined;
      const key = keyOf(service);
      const before = numbersOf(current);
      const taken: { ips: string[]; ports: number[] } = { ips: [], ports: [] };
      const undo = async () => {
        for (const ip of taken.ips) await giveIp(ip, key);
        for (const port of taken.ports) await givePort(port, key);
      };
      try {
        await holdIps(service, current, before.ips);
        await holdPorts(service, current, before.ports);
      } catch (error) {
        await undo();
        throw error;
      }
      if (dryRun) await undo();
      if (dryRun) return nothingHeld;
      const after = numbersOf(service);
      return {
        undo,
        async done() {
          for (const ip of before.ips) if (!after.ips.includes(ip)) await giveIp(ip, key);
          for (const port of before.ports) if (!after.ports.includes(port)) await givePort(port, key);
        },
      };

      async function holdIps(next: Service, old: Service | undefined, had: string[]): Promise<void> {
        const spec = next.spec;
        if (spec.type === 'ExternalName') return clearIps(next, old);
        spec.ipFamilyPolicy ??= 'SingleStack';
        spec.ipFamilies = spec.ipFamilies?.length ? spec.ipFamilies : ['IPv4'];
        if (spec.clusterIP === 'None') {
          spec.clusterIPs = ['None'];
          return;
        }
        // An update that leaves out what was given keeps it.
        const asked = spec.clusterIP || spec.clusterIPs?.[0] || had[0];
        if (asked && had.includes(asked)) {
          setIp(next, asked);
          return;
        }
        if (!asked) {
          const ip = await freeIp(next);
          taken.ips.push(ip);
          setIp(next, ip);
          return;
        }
        // Validation tells what is wrong with it.
        if (parseAddress(asked) === undefined) return;
        const path = Path.of('spec', 'clusterIPs');
        if (!inRange(range, asked)) {
          refuse(
            next,
            invalidValue(
              path,
              [asked],
              `failed to allocate IP ${asked}: the provided network does not match the current range`,
            ),
          );
        }
        if (!(await takeIp(asked, next))) {
          refuse(
            next,
            invalidValue(path, [asked], `failed to allocate IP ${asked}: provided IP is already allocated`),
          );
        }
        taken.ips.push(asked);
        setIp(next, asked);
      }

      async function holdPorts(next: Service, old: Service | undefined, had: number[]): Promise<void> {
        const { spec } = next;
        const wants =
          spec.type === 'NodePort' ||
          (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
        if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') {
          // Ports that were only given, not asked for, go with the type.
          for (const port of spec.ports ?? [])
            if (old && had.includes(port.nodePort ?? 0)) delete port.nodePort;
          return;
        }
        const seen = new Set<number>();
        for (const [index, port] of (spec.ports ?? []).entries()) {
          const asked = port.nodePort;
          if (!asked) continue;
          // One port number may serve several protocols of the same Service.
          if (had.includes(asked) || seen.has(asked)) {
            seen.add(asked);
            continue;
          }
          const path = Path.of('spec', 'ports').index(index).child('nodePort');
          if (asked < ports.first || asked > ports.last) {
            refuse(
              next,
              invalidValue(
                path,
                asked,
                `provided port is not in the valid range. The range of valid ports is ${ports.first}-${ports.last}`,
              ),
            );
          }
          if (!(await takePort(asked, next)))
            refuse(next, invalidValue(path, asked, 'provided port is already allocated'));
          taken.ports.push(asked);
          seen.add(asked);
        }
        if (needsHealthCheck(next) && !spec.healthCheckNodePort) {
          spec.healthCheckNodePort = old?.spec.healthCheckNodePort || (await freePort(next));
          if (!had.includes(spec.healthCheckNodePort)) taken.ports.push(spec.healthCheckNodePort);
        } else if (spec.healthCheckNodePort && !had.includes(spec.healthCheckNodePort)) {
          const port = spec.healthCheckNodePort;
          const path = Path.of('spec', 'healthCheckNodePort');
          if (!(await takePort(port, next)))
            refuse(next, invalidValue(path, port, 'provided port is already allocated'));
          taken.ports.push(port);
        }
        if (!wants) return;
        for (const port of spec.ports ?? []) {
          if (port.nodePort) continue;
          const kept = old?.spec.ports?.find(
            (one) => one.port === port.port && one.protocol === port.protocol,
          )?.nodePort;
          if (kept && !seen.has(kept)) {
            port.nodePort = kept;
          } else {
            port.nodePort = await freePort(next);
            taken.ports.push(port.nodePort);
          }
          seen.add(port.nodePort);
        }
      }
    },
    async release(entry, gone) {
      if (entry.storage !== serviceStorage) return;
      const service = gone as unknown as Service;
      const { ips, ports: held } = numbersOf(service);
      for (const ip of ips) await giveIp(ip, keyOf(service));
      for (const port of held) await givePort(port, keyOf(service));
    },
    async repair() {
      const young = clock.now() - repairGraceMs;
      const isOld = (object: { metadata: { creationTimestamp?: string } }) =>
        Date.parse(object.metadata.creationTimestamp ?? '') < young;
      // Numbers first: a Service that is written afterwards can only have taken younger ones.
      const ips = (await cache.list(ipAddressStorage)).items.map(
        ({ object }) => object as unknown as IPAddress,
      );
      const held = (await cache.list(nodePortStorage)).items.map(
        ({ object }) => object as unknown as NodePortAllocation,
      );
      const owned = new Map<string, ReturnType<typeof numbersOf>>();
      for (const { key, object } of (await cache.list(serviceStorage)).items)
        owned.set(key, numbersOf(object as unknown as Service));
      let given = 0;
      for (const ip of ips.filter(isOld)) {
        const key = parentKey(ip);
        if (ip.spec.parentRef.resource !== 'services' || owned.get(key)?.ips.includes(ip.metadata.name ?? ''))
          continue;
        if (await giveIp(ip.metadata.name ?? '', key)) given++;
      }
      for (const port of held.filter(isOld)) {
        const number = Number(port.metadata.name);
        if (!owned.get(port.service)?.ports.includes(number) && (await givePort(number, port.service)))
          given++;
      }
      return given;
    },
  };
}

function ipAddressFor(ip: string, service: Service, nowMs: number): IPAddress {
  return {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name: ip,
      uid: randomUUID(),
      creationTimestamp: rfc3339(nowMs),
      labels: {
        'ipaddress.kubernetes.io/ip-family': 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: {
      parentRef: {
        resource: 'services',
        namespace: service.metadata.namespace ?? '',
        name: service.metadata.name ?? '',
      },
    },
  };
}

function parentKey({ spec }: IPAddress): string {
  return `${spec.parentRef.namespace}/${spec.parentRef.name}`;
}

function numbersOf(service: Service | undefined): { ips: string[]; ports: number[] } {
  const spec = service?.spec;
  const ips = spec?.clusterIPs?.length ? spec.clusterIPs : spec?.clusterIP ? [spec.clusterIP] : [];
  return {
    ips: ips.filter((ip) => ip !== 'None' && ip !== ''),
    ports: [
      ...new Set(
        [...(spec?.ports ?? []).map(({ nodePort }) => nodePort), spec?.healthCheckNodePort].flatMap(
          (port) => port || [],
        ),
      ),
    ],
  };
}

function setIp(service: Service, ip: string): void {
  service.spec.clusterIP = ip;
  service.spec.clusterIPs = [ip];
}

/** A Service that becomes an ExternalName loses what it was given. */
function clearIps(service: Service, old: Service | undefined): void {
  if (!old || old.spec.type === 'ExternalName') return;
  delete service.spec.clusterIP;
  delete service.spec.clusterIPs;
  delete service.spec.ipFamilies;
  delete service.spec.ipFamilyPolicy;
}

function inRange(range: AddressRange, ip: string): boolean {
  const address = parseAddress(ip);
  return address !== undefined && address > range.base && address < range.base + range.size - 1;
}

async function usedNames(cache: WatchCache, resource: string): Promise<Set<string>> {
  const { items } = await cache.list(resource, { freshness: 'any' });
  return new Set(items.map(({ key }) => key));
}

function refuse(service: Service, error: FieldError): never {
  throw invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', [error]);
}
