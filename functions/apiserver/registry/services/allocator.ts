/**
 * The numbers that Services hold. A number is taken before its Service is written and given back after the Service is
 * gone or refused; a crash between the two leaves a number without a Service, which the repair pass finds.
 */
import type { Service } from '../../../../lib/api/gen/types.ts';
import { keyOf } from '../../../../lib/api/object.ts';
import type { Clock } from '../../../../lib/clock.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import type { Store } from '../../../../lib/store/port.ts';
import type { RegistryEntry } from '../registry.ts';
import type { AnyObject } from '../strategy.ts';
import { holdClusterIps } from './cluster-ips.ts';
import { taking } from './hold.ts';
import { holdNodePorts } from './node-ports.ts';
import { parsePortRange, parseServiceCidrs } from './ranges.ts';
import {
  clusterIpsOf,
  ipReservations,
  nodePortReservations,
  nodePortsOf,
  type Reservations,
} from './reservations.ts';

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
  /**
   * Gives back numbers that no Service has, and takes those that a Service has and nobody holds. What was taken in the
   * last minute may belong to a write under way. Returns how many there were of both.
   */
  repair(): Promise<number>;
}

const serviceStorage = 'services';
const repairGraceMs = 60_000;
export const nothingHeld: Hold = { done: () => Promise.resolve(), undo: () => Promise.resolve() };

/** One kind of numbers: who has which, and which ones a Service says that it has. */
interface Kind {
  held: Reservations;
  of(service: Service | undefined): string[];
}

export function createServiceAllocator(options: {
  store: Store;
  cache: WatchCache;
  clock: Clock;
  /** Its families are the cluster's; addresses are chosen from the ServiceCIDR objects. */
  serviceCidr: string;
  nodePortRange: string;
  random?: () => number;
}): ServiceAllocator {
  const { cache, clock, random = Math.random } = options;
  const configured = parseServiceCidrs(options.serviceCidr).map(({ family }) => family);
  const range = parsePortRange(options.nodePortRange);
  const addresses: Kind = { held: ipReservations(options), of: clusterIpsOf };
  const nodePorts: Kind = {
    held: nodePortReservations(options),
    of: (service) => nodePortsOf(service).map(String),
  };
  const kinds = [addresses, nodePorts];

  const giveBack = async (before: Service | undefined, after: Service | undefined): Promise<void> => {
    if (!before) return;
    for (const { held, of } of kinds) {
      const kept = new Set(of(after));
      for (const name of of(before)) if (!kept.has(name)) await held.give(name, keyOf(before));
    }
  };

  async function repairKind({ held, of }: Kind): Promise<number> {
    // Numbers first: a Service that is written afterwards can only have taken younger ones.
    const reserved = await held.list();
    const services = new Map(
      (await cache.list(serviceStorage)).items.map(({ key, object }) => [key, object as unknown as Service]),
    );
    let repaired = 0;
    for (const { name, key, takenAtMs } of reserved) {
      if (key === undefined || !(takenAtMs < clock.now() - repairGraceMs)) continue;
      if (!of(services.get(key)).includes(name) && (await held.give(name, key))) repaired++;
    }
    const known = new Set(reserved.map(({ name }) => name));
    for (const service of services.values()) {
      for (const name of of(service)) {
        // Deleted meanwhile, it leaves a number that the next pass gives back.
        if (!known.has(name) && (await held.take(name, service))) repaired++;
      }
    }
    return repaired;
  }

  return {
    async hold(entry, next, current, dryRun) {
      if (entry.storage !== serviceStorage) return nothingHeld;
      const service = next as unknown as Service;
      const old = current as unknown as Service | undefined;
      const own = { service, key: keyOf(service), dryRun, random };
      const ips = taking({ from: addresses.held, ...own });
      const ports = taking({ from: nodePorts.held, ...own });
      const undo = async () => {
        await ips.undo();
        await ports.undo();
      };
      try {
        await holdClusterIps(service, old, { configured, cache, ips });
        await holdNodePorts(service, old, { range, ports });
      } catch (error) {
        await undo();
        throw error;
      }
      return dryRun ? nothingHeld : { undo, done: () => giveBack(old, service) };
    },
    async release(entry, gone) {
      if (entry.storage === serviceStorage) await giveBack(gone as unknown as Service, undefined);
    },
    async repair() {
      let repaired = 0;
      for (const kind of kinds) repaired += await repairKind(kind);
      return repaired;
    },
  };
}
