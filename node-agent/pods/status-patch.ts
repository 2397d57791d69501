import { isDeepStrictEqual } from 'node:util';
import type { PodCondition, PodStatus } from '../../lib/api/gen/types.ts';
import { nodeConditionTypes } from './conditions.ts';

/** What only others write; the node's patches leave it alone. */
const foreign: readonly (keyof PodStatus)[] = [
  'nominatedNodeName',
  'resize',
  'resourceClaimStatuses',
  'extendedResourceClaimStatus',
  'nodeAllocatableResourceClaimStatuses',
  'allocatedResources',
  'resources',
];

/**
 * The strategic merge patch that turns one status into another, or undefined when there is nothing to change.
 * Conditions and addresses are merged by key on the server, so that writers do not undo one another; every other list
 * is replaced.
 */
export function statusPatch(from: PodStatus, to: PodStatus): object | undefined {
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)]) as Set<keyof PodStatus>) {
    if (foreign.includes(key)) continue;
    const before = from[key];
    const after = to[key];
    if (same(before, after)) continue;
    if (key === 'conditions') {
      const changed = changedConditions(from.conditions ?? [], to.conditions ?? []);
      if (changed.length > 0) patch[key] = changed;
    } else if (key === 'podIPs' || key === 'hostIPs') {
      patch[key] = mergedIps(from[key] ?? [], to[key] ?? []);
    } else {
      patch[key] = after ?? null;
    }
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

function changedConditions(from: readonly PodCondition[], to: readonly PodCondition[]): PodCondition[] {
  return to.filter((condition) => {
    if (!nodeConditionTypes.includes(condition.type)) return false;
    const before = from.find(({ type }) => type === condition.type);
    return !before || !same(withoutNull(before), condition);
  });
}

/** The server shows `lastProbeTime: null`, and keeps a reason that is not sent: it has to be taken back. */
function withoutNull(condition: PodCondition): PodCondition {
  return Object.fromEntries(
    Object.entries(condition).filter(([, value]) => value !== null),
  ) as unknown as PodCondition;
}

function mergedIps(from: readonly { ip: string }[], to: readonly { ip: string }[]): object[] {
  const gone = from.filter(({ ip }) => !to.some((kept) => kept.ip === ip));
  return [...to, ...gone.map(({ ip }) => ({ ip, $patch: 'delete' }))];
}

/** Equal as JSON: a field that is undefined is not there. */
function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
