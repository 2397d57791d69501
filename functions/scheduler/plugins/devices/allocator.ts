import { randomUUID } from 'node:crypto';
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceClass,
  DeviceRequestAllocationResult,
  ResourceSlice,
} from '../../../../lib/api/gen/types.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import { consumedCapacity } from './capacity.ts';
import { devicesFor, type Pool, type PoolDevice } from './pools.ts';
import { type Alternative, type Demand, keepConstraints, tolerates } from './requests.ts';
import { Usage } from './usage.ts';

export interface Allocation {
  result: AllocationResult;
  /** Which alternative each request got, counted from 0: the earlier, the more it is wanted. */
  ranks: number[];
}

/** The API takes no more results for one claim. */
const maxResults = 32;
/** Steps of the search on one node; a claim that takes more is taken to fit nowhere there. */
const maxSteps = 100_000;
/** Steps between two looks at the clock. */
const stepsBetweenLooks = 100;

interface Chosen {
  request: string;
  alternative: Alternative;
  device: PoolDevice;
  consumed: Map<string, number> | undefined;
}

/**
 * Finds devices of one node for all claims of a pod together, or none: tries devices in the order in which they are
 * published, takes back what leads nowhere, and takes the first that works (KEP-4381).
 */
export class Allocator {
  readonly #demands: readonly Demand[];
  readonly #pools: ReadonlyMap<Pool, readonly ResourceSlice[]>;
  readonly #usage: Usage;
  readonly #classOf: (name: string) => DeviceClass | undefined;

  constructor(
    demands: readonly Demand[],
    pools: ReadonlyMap<Pool, readonly ResourceSlice[]>,
    usage: Usage,
    classOf: (name: string) => DeviceClass | undefined,
  ) {
    this.#demands = demands;
    this.#pools = pools;
    this.#usage = usage;
    this.#classOf = classOf;
  }

  /**
   * An allocation for each claim, in their order, or undefined where the node cannot serve them all. The search ends where
   * it is when `isOver` says so.
   * @throws Error when an expression cannot be evaluated, or a request for all devices meets a pool that is not whole.
   */
  allocate(node: NodeInfo, isOver: () => boolean = () => false): Allocation[] | 'timedOut' | undefined {
    const devices = [...this.#pools].flatMap(([pool, slices]) => [...devicesFor(pool, slices, node)]);
    const usage = this.#usage.clone();
    const chosen: Chosen[][] = this.#demands.map(() => []);
    const ranks: number[][] = this.#demands.map(() => []);
    let steps = 0;
    let ranOut = false;

    const nextRequest = (claim: number, request: number): boolean => {
      const demand = this.#demands[claim];
      if (!demand) return true;
      const wanted = demand.requests[request];
      if (!wanted) return nextRequest(claim + 1, 0);
      return wanted.alternatives.some((alternative, rank) => {
        const fitting = this.#fitting(alternative, devices);
        const count = alternative.mode === 'All' ? fitting.length : alternative.count;
        if (count === 0 && alternative.mode === 'All') return false;
        ranks[claim]?.push(rank);
        if (take(claim, request, alternative, fitting, count, 0)) return true;
        ranks[claim]?.pop();
        return false;
      });
    };

    const take = (
      claim: number,
      request: number,
      alternative: Alternative,
      fitting: readonly PoolDevice[],
      left: number,
      from: number,
    ): boolean => {
      if (left === 0) return nextRequest(claim, request + 1);
      const own = chosen[claim] as Chosen[];
      if (own.length >= maxResults) return false;
      for (let i = from; i < fitting.length; i++) {
        if (++steps % stepsBetweenLooks === 0) ranOut ||= isOver();
        if (ranOut || steps > maxSteps) return false;
        const device = fitting[i] as PoolDevice;
        const consumed = usage.take(device, alternative);
        if (consumed === 'none') {
          if (alternative.mode === 'All') return false;
          continue;
        }
        own.push({ request: alternative.name, alternative, device, consumed });
        const constraints = (this.#demands[claim] as Demand).constraints;
        if (
          keepConstraints(constraints, own) &&
          take(claim, request, alternative, fitting, left - 1, i + 1)
        ) {
          return true;
        }
        own.pop();
        usage.giveBack(device, alternative, consumed);
        if (alternative.mode === 'All') return false;
      }
      return false;
    };

    if (!nextRequest(0, 0)) return ranOut ? 'timedOut' : undefined;
    return this.#demands.map((demand, claim) => ({
      result: this.#resultOf(demand, chosen[claim] as Chosen[], node),
      ranks: ranks[claim] as number[],
    }));
  }

  #fitting(alternative: Alternative, devices: readonly PoolDevice[]): PoolDevice[] {
    return devices.filter((found) => {
      const { pool, driver, device } = found;
      if (!pool.isComplete && alternative.mode !== 'All') return false;
      if (!alternative.matchers.every((matches) => matches(driver, device))) return false;
      if (!pool.isComplete) {
        throw new Error(
          `request ${alternative.name}: asks for all devices, but resource pool ${pool.name} is currently being updated`,
        );
      }
      if (!tolerates(found, alternative.tolerations)) return false;
      return consumedCapacity(device, alternative.capacity) !== undefined;
    });
  }

  #resultOf({ claim }: Demand, chosen: readonly Chosen[], node: NodeInfo): AllocationResult {
    const config: DeviceAllocationConfiguration[] = [];
    for (const { name, className } of new Map(
      chosen.map(({ alternative }) => [alternative.name, alternative]),
    ).values()) {
      for (const { opaque } of this.#classOf(className)?.spec.config ?? []) {
        config.push({ source: 'FromClass', requests: [name], ...(opaque && { opaque }) });
      }
    }
    for (const { requests, opaque } of claim.spec.devices?.config ?? []) {
      config.push({ source: 'FromClaim', ...(requests && { requests }), ...(opaque && { opaque }) });
    }
    return {
      devices: { results: chosen.map(resultOf), ...(config.length > 0 && { config }) },
      ...(chosen.some(({ device }) => device.isLocal) && {
        nodeSelector: {
          nodeSelectorTerms: [
            { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node.name] }] },
          ],
        },
      }),
    };
  }
}

function resultOf({ request, alternative, device: found, consumed }: Chosen): DeviceRequestAllocationResult {
  const { driver, pool, device } = found;
  const isShared = device.allowMultipleAllocations;
  return {
    request,
    driver,
    pool: pool.name,
    device: device.name,
    ...(alternative.adminAccess && { adminAccess: true }),
    ...(alternative.tolerations.length > 0 && { tolerations: [...alternative.tolerations] }),
    ...(device.bindingConditions && { bindingConditions: device.bindingConditions }),
    ...(device.bindingFailureConditions && { bindingFailureConditions: device.bindingFailureConditions }),
    ...(isShared && {
      shareID: randomUUID(),
      consumedCapacity: Object.fromEntries(
        [...(consumed ?? [])].map(([name, value]) => [name, String(value)]),
      ),
    }),
  };
}
