import type { Device, ResourceSlice } from '../../../../lib/api/gen/types.ts';
import { wholeOf } from '../../../../lib/api/pod-resources.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import { nodeSelectorMatcher } from '../../../../lib/api/scheduling/node-selector.ts';

/** A device that can be had on a node, with where it comes from. */
export interface PoolDevice {
  /** `driver/pool/name` */
  readonly id: string;
  readonly driver: string;
  readonly pool: Pool;
  readonly device: Device;
  readonly slice: ResourceSlice;
  /** Only from its own node, or from one that a selector asks for. */
  readonly isLocal: boolean;
}

/** Devices that one driver publishes together. */
export interface Pool {
  readonly driver: string;
  readonly name: string;
  /** A pool that is being published anew is not whole: some of its slices are not there yet. */
  readonly isComplete: boolean;
  /** Of all nodes: a device's counters are taken wherever it is used. */
  readonly devices: ReadonlyMap<string, Device>;
  /** By counter set and counter: what the devices of the pool share (KEP-4815). */
  readonly counters: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

export function deviceId(driver: string, pool: string, device: string): string {
  return `${driver}/${pool}/${device}`;
}

/** The pools of the newest generation each, from all slices there are. Those that contradict themselves are left out. */
export function poolsOf(slices: readonly ResourceSlice[]): Map<Pool, readonly ResourceSlice[]> {
  const byPool = Map.groupBy(slices, ({ spec }) => `${spec.driver}/${spec.pool.name}`);
  const pools = new Map<Pool, readonly ResourceSlice[]>();
  for (const all of byPool.values()) {
    const newest = Math.max(...all.map(({ spec }) => spec.pool.generation));
    const current = all.filter(({ spec }) => spec.pool.generation === newest);
    const [first] = current;
    if (!first) continue;
    const { driver, pool } = first.spec;
    const listed = current.flatMap(({ spec }) => spec.devices ?? []);
    const devices = new Map(listed.map((device) => [device.name, device]));
    if (devices.size !== listed.length) continue;
    const counters = new Map(
      current
        .flatMap(({ spec }) => spec.sharedCounters ?? [])
        .map((set) => [
          set.name,
          new Map(Object.entries(set.counters).map(([name, { value }]) => [name, wholeOf(value)])),
        ]),
    );
    const isComplete = current.length === pool.resourceSliceCount;
    pools.set({ driver, name: pool.name, isComplete, devices, counters }, current);
  }
  return pools;
}

/** The devices of a pool that can be had on the node. */
export function* devicesFor(
  pool: Pool,
  slices: readonly ResourceSlice[],
  node: NodeInfo,
): Iterable<PoolDevice> {
  for (const slice of slices) {
    const { spec } = slice;
    const whole = spec.perDeviceNodeSelection ? undefined : reach(spec, node);
    if (whole === 'none') continue;
    for (const device of spec.devices ?? []) {
      const found = whole ?? reach(device, node);
      if (found === 'none') continue;
      const id = deviceId(spec.driver, spec.pool.name, device.name);
      yield { id, driver: spec.driver, pool, device, slice, isLocal: found === 'local' };
    }
  }
}

function reach(
  of: Pick<Device, 'nodeName' | 'nodeSelector' | 'allNodes'>,
  node: NodeInfo,
): 'all' | 'local' | 'none' {
  if (of.allNodes) return 'all';
  if (of.nodeName) return of.nodeName === node.name ? 'local' : 'none';
  return of.nodeSelector && nodeSelectorMatcher(of.nodeSelector)(node) ? 'local' : 'none';
}
