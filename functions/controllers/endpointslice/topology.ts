/** Topology-aware routing (KEP-2433): each zone gets endpoints as its share of the cluster's CPUs, of its own where it can. */
import type { Endpoint, Node } from '../../../lib/api/gen/types.ts';
import { parseQuantity, quantityMilliValue } from '../../../lib/api/quantity/index.ts';
import { isReady } from './hints.ts';

const zoneLabel = 'topology.kubernetes.io/zone';
const controlPlaneLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
/** No endpoint is to get more than this share above what an even spread would give it. */
const overloadThreshold = 0.2;

/** The annotation's name from before comes first where both are there. */
export function wantsTopology(annotations: Readonly<Record<string, string>> | undefined): boolean {
  const mode =
    annotations?.['service.kubernetes.io/topology-aware-hints'] ??
    annotations?.['service.kubernetes.io/topology-mode'];
  return mode === 'Auto' || mode === 'auto';
}

/** What of a node counts. */
export function topologyOf(node: Node): { zone: string; milliCpu: number } | undefined {
  const { labels = {} } = node.metadata;
  if (controlPlaneLabels.some((label) => Object.hasOwn(labels, label))) return undefined;
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return undefined;
  const cpu = node.status?.allocatable?.cpu;
  return {
    zone: labels[zoneLabel] ?? '',
    milliCpu: cpu === undefined ? 0 : quantityMilliValue(parseQuantity(cpu)),
  };
}

/** Each zone's share of the CPUs, by name; undefined where a node does not say enough, or there is one zone alone. */
export function zoneShares(nodes: readonly Node[]): Map<string, number> | undefined {
  const cpus = new Map<string, number>();
  for (const known of nodes.map(topologyOf)) {
    if (!known) continue;
    if (known.zone === '' || known.milliCpu === 0) return undefined;
    cpus.set(known.zone, (cpus.get(known.zone) ?? 0) + known.milliCpu);
  }
  if (cpus.size < 2) return undefined;
  const total = [...cpus.values()].reduce((sum, cpu) => sum + cpu, 0);
  return new Map([...cpus].sort(([a], [b]) => (a < b ? -1 : 1)).map(([zone, cpu]) => [zone, cpu / total]));
}

interface Allocation {
  maximum: number;
  desired: number;
}

/** The zone that each ready endpoint is for, or why there can be none, in kube-controller-manager's words. */
export type Allotment = { zones: Map<Endpoint, string> } | { problem: string };

/**
 * @param shares of `zoneShares`
 * @param previous the zone that an endpoint was for, which it stays for as long as that zone has not too many
 */
export function allotZones(
  endpoints: readonly Endpoint[],
  shares: ReadonlyMap<string, number> | undefined,
  previous: (endpoint: Endpoint) => string | undefined,
): Allotment {
  const ready = endpoints.filter(isReady);
  const allocations = allocate(ready.length, shares);
  if (typeof allocations === 'string') return { problem: allocations };
  const zones = new Map<Endpoint, string>();
  const counts = new Map<string, number>();
  for (const endpoint of ready) {
    if (!endpoint.zone) return { problem: 'One or more endpoints do not have a zone specified' };
    const before = previous(endpoint);
    const limit = before === undefined ? 0 : (allocations.get(before)?.maximum ?? 0);
    const zone = before !== undefined && (counts.get(before) ?? 0) < limit ? before : endpoint.zone;
    zones.set(endpoint, zone);
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  const { giving, receiving } = transfers(allocations, counts);
  for (const [endpoint, zone] of zones) {
    const left = giving.get(zone) ?? 0;
    const [receiver] = receiving.keys();
    if (left === 0 || receiver === undefined) continue;
    zones.set(endpoint, receiver);
    takeOne(giving, zone);
    takeOne(receiving, receiver);
  }
  return { zones };
}

function allocate(
  count: number,
  shares: ReadonlyMap<string, number> | undefined,
): Map<string, Allocation> | string {
  if (!shares)
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  const facts = `(${count} endpoints, ${shares.size} zones)`;
  if (shares.size > count) return `Insufficient number of endpoints ${facts}`;
  const minima = new Map(
    [...shares].map(([zone, share]) => [zone, Math.ceil((share * count) / (1 + overloadThreshold))]),
  );
  const spare = count - [...minima.values()].reduce((sum, minimum) => sum + minimum, 0);
  if (spare < 0)
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${facts}`;
  return new Map(
    [...minima].map(([zone, minimum]) => [
      zone,
      { maximum: minimum + spare, desired: Math.max((shares.get(zone) ?? 0) * count, minimum) },
    ]),
  );
}

/** How many endpoints zones give to others and get from others, in whole ones; those that are far from theirs first. */
function transfers(
  allocations: ReadonlyMap<string, Allocation>,
  counts: ReadonlyMap<string, number>,
): { giving: Map<string, number>; receiving: Map<string, number> } {
  const surplus = new Map<string, number>();
  const lack = new Map<string, number>();
  for (const [zone, { desired }] of allocations) {
    const over = (counts.get(zone) ?? 0) - desired;
    if (over > 0) surplus.set(zone, over);
    else if (over < 0) lack.set(zone, -over);
  }
  const giving = new Map<string, number>();
  const receiving = new Map<string, number>();
  for (;;) {
    const [giver, over] = greatest(surplus);
    const [receiver, under] = greatest(lack);
    if (over < 0.5 || under < 0.5 || (over < 1 && under < 1)) return { giving, receiving };
    giving.set(giver, (giving.get(giver) ?? 0) + 1);
    surplus.set(giver, over - 1);
    receiving.set(receiver, (receiving.get(receiver) ?? 0) + 1);
    lack.set(receiver, under - 1);
  }
}

function greatest(amounts: ReadonlyMap<string, number>): [zone: string, amount: number] {
  return [...amounts].reduce((best, one) => (one[1] > best[1] ? one : best), ['', 0]);
}

function takeOne(from: Map<string, number>, zone: string): void {
  const left = (from.get(zone) ?? 0) - 1;
  if (left > 0) from.set(zone, left);
  else from.delete(zone);
}
