import type { AllocationResult, Device } from '../../../../lib/api/gen/types.ts';
import { wholeOf } from '../../../../lib/api/pod-resources.ts';
import { consumedCapacity } from './capacity.ts';
import { deviceId, type Pool, type PoolDevice } from './pools.ts';
import type { Alternative } from './requests.ts';

type Taken = Map<string, number> | undefined;

/** What is taken of devices: whole ones, shares of those that many may have, and counters that devices share. */
export class Usage {
  readonly #whole: Set<string>;
  /** By device and capacity. */
  readonly #shares: Map<string, Map<string, number>>;
  /** By `driver/pool/set/counter`. */
  readonly #counters: Map<string, number>;

  constructor(from?: Usage) {
    this.#whole = new Set(from ? from.#whole : []);
    this.#shares = new Map([...(from ? from.#shares : [])].map(([id, share]) => [id, new Map(share)]));
    this.#counters = new Map(from ? from.#counters : []);
  }

  clone(): Usage {
    return new Usage(this);
  }

  /** Counts what a claim holds. Administrators' access holds nothing. */
  addAllocation(
    { devices }: AllocationResult,
    poolOf: (driver: string, pool: string) => Pool | undefined,
  ): void {
    for (const {
      driver,
      pool,
      device,
      adminAccess,
      shareID,
      consumedCapacity: consumed,
    } of devices?.results ?? []) {
      if (adminAccess) continue;
      const id = deviceId(driver, pool, device);
      const known = poolOf(driver, pool)?.devices.get(device);
      if (shareID) {
        const amounts = Object.entries(consumed ?? {}).map(
          ([name, value]) => [name, wholeOf(value)] as const,
        );
        this.#share(id, new Map(amounts), 1);
      } else this.#whole.add(id);
      if (known) this.#count(driver, pool, known, 1);
    }
  }

  /** Takes the device for a request: answers what share of it, undefined for all of it, `none` when it cannot be had. */
  take(found: PoolDevice, { adminAccess, capacity }: Alternative): Taken | 'none' {
    if (adminAccess) return undefined;
    const { id, device, driver, pool } = found;
    if (this.#whole.has(id) || !this.#hasCounters(found)) return 'none';
    if (!device.allowMultipleAllocations) {
      if (this.#shares.has(id)) return 'none';
      this.#whole.add(id);
      this.#count(driver, pool.name, device, 1);
      return undefined;
    }
    const consumed = consumedCapacity(device, capacity);
    if (!consumed) return 'none';
    const share = this.#shares.get(id);
    for (const [name, amount] of consumed) {
      const total = wholeOf(device.capacity?.[name]?.value ?? '0');
      if ((share?.get(name) ?? 0) + amount > total) return 'none';
    }
    this.#share(id, consumed, 1);
    this.#count(driver, pool.name, device, 1);
    return consumed;
  }

  giveBack(found: PoolDevice, { adminAccess }: Alternative, consumed: Taken): void {
    if (adminAccess) return;
    const { id, device, driver, pool } = found;
    if (consumed) this.#share(id, consumed, -1);
    else this.#whole.delete(id);
    this.#count(driver, pool.name, device, -1);
  }

  #share(id: string, amounts: ReadonlyMap<string, number>, times: 1 | -1): void {
    const share = this.#shares.get(id) ?? new Map<string, number>();
    for (const [name, amount] of amounts) share.set(name, (share.get(name) ?? 0) + times * amount);
    if ([...share.values()].some((amount) => amount > 0)) this.#shares.set(id, share);
    else this.#shares.delete(id);
  }

  #hasCounters({ driver, pool, device }: PoolDevice): boolean {
    return (device.consumesCounters ?? []).every(({ counterSet, counters }) =>
      Object.entries(counters).every(([name, { value }]) => {
        const total = pool.counters.get(counterSet)?.get(name) ?? 0;
        const used = this.#counters.get(counterKey(driver, pool.name, counterSet, name)) ?? 0;
        return used + wholeOf(value) <= total;
      }),
    );
  }

  #count(driver: string, pool: string, { consumesCounters }: Device, times: 1 | -1): void {
    for (const { counterSet, counters } of consumesCounters ?? []) {
      for (const [name, { value }] of Object.entries(counters)) {
        const key = counterKey(driver, pool, counterSet, name);
        this.#counters.set(key, (this.#counters.get(key) ?? 0) + times * wholeOf(value));
      }
    }
  }
}

function counterKey(...parts: string[]): string {
  return parts.join('/');
}
