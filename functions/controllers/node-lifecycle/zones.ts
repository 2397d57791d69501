import type { Node } from '../../../lib/api/gen/types.ts';
import { isEvictionTaint, readyStatus } from './taints.ts';

/** kube-controller-manager's defaults of `--node-eviction-rate` and what goes with it. */
const evictionIntervalMs = 10_000;
const slowEvictionIntervalMs = 100_000;
const unhealthyZoneThreshold = 0.55;
const largeClusterSize = 50;

/** In how many ms the pods of this node may be driven off: 0 now, undefined not while things are as they are. */
export function evictionDelayMs(node: Node, all: readonly Node[], nowMs: number): number | undefined {
  const zones = Map.groupBy(all, zoneOf);
  // When no node at all answers, it is we who cannot see them.
  if ([...zones.values()].every((zone) => stateOf(zone) === 'full')) return undefined;
  const zone = zones.get(zoneOf(node)) ?? [node];
  const intervalMs =
    stateOf(zone) !== 'partial'
      ? evictionIntervalMs
      : zone.length > largeClusterSize
        ? slowEvictionIntervalMs
        : undefined;
  if (intervalMs === undefined) return undefined;
  const latest = zone
    .flatMap(({ spec }) => spec?.taints ?? [])
    .filter((taint) => isEvictionTaint(taint) && taint.timeAdded !== undefined)
    .map((taint) => Date.parse(taint.timeAdded as string));
  return Math.max(0, Math.max(0, ...latest) + intervalMs - nowMs);
}

function stateOf(zone: readonly Node[]): 'normal' | 'partial' | 'full' {
  const ready = zone.filter((node) => readyStatus(node) === 'True').length;
  const failed = zone.length - ready;
  if (ready === 0 && failed > 0) return 'full';
  return failed > 2 && failed / zone.length >= unhealthyZoneThreshold ? 'partial' : 'normal';
}

function zoneOf({ metadata }: Node): string {
  const labels = metadata.labels ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`;
}
