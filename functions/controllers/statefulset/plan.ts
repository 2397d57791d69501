/**
 * What a StatefulSet's controller does next, from what there is: a function of its arguments alone. Ordered sets take
 * one step and wait for its effect; parallel ones take all that are possible.
 */
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { scaledValue } from '../common/int-or-string.ts';
import { isPodAvailable, isPodReady, isPodTerminal } from '../common/pods.ts';
import {
  claimsOf,
  hasIdentity,
  hasStorage,
  isInRange,
  newPod,
  ordinalOf,
  podRevision,
  startOrdinal,
  withIdentity,
} from './identity.ts';
import { isLeftBehind, wantedReferences } from './retention.ts';

export type Step =
  /** With its claims, which come first. */
  | { do: 'create'; pod: Pod; ordinal: number }
  | { do: 'delete'; pod: Persisted<Pod>; isUpdate: boolean }
  /** Claims that a pending pod lacks. */
  | { do: 'claim'; pod: Persisted<Pod>; ordinal: number }
  /** Labels and volumes that are not the pod's own any more. */
  | { do: 'repair'; pod: Persisted<Pod>; ordinal: number }
  /** Claims whose owners are not those that the retention policy asks for. */
  | { do: 'own'; pod: Persisted<Pod>; ordinal: number };

/** Steps for one pod, one after the other. */
export type Turn = readonly Step[];

/** A phase begins when the one before it has gone well as a whole. */
export type Plan = readonly (readonly Turn[])[];

export interface World {
  set: Persisted<StatefulSet>;
  pods: readonly Persisted<Pod>[];
  current: { name: string; template: PodTemplateSpec };
  update: { name: string; template: PodTemplateSpec };
  /** By name, in the set's namespace. */
  claim: (name: string) => Persisted<PersistentVolumeClaim> | undefined;
  nowMs: number;
}

interface Slot {
  ordinal: number;
  pod: Persisted<Pod> | undefined;
}

/** Pods within the set's ordinals, by these, those outside, highest first. */
export function sortPods({ set, pods }: World): { replicas: Slot[]; condemned: Persisted<Pod>[] } {
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(pod, set.metadata.name), pod]));
  const start = startOrdinal(set);
  const replicas = Array.from({ length: set.spec.replicas ?? 1 }, (_, index) => ({
    ordinal: start + index,
    pod: byOrdinal.get(start + index),
  }));
  const condemned = [...byOrdinal]
    .filter((entry): entry is [number, Persisted<Pod>] => entry[0] !== undefined && !isInRange(set, entry[0]))
    .toSorted(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  return { replicas, condemned };
}

export function planSet(world: World): Plan {
  const { set } = world;
  if (set.metadata.deletionTimestamp) return [];
  const { replicas, condemned } = sortPods(world);
  return set.spec.podManagementPolicy === 'Parallel'
    ? planParallel(world, replicas, condemned)
    : planOrdered(world, replicas, condemned);
}

function planParallel(world: World, replicas: readonly Slot[], condemned: readonly Persisted<Pod>[]): Plan {
  return [
    replicas.map((slot) => tend(world, slot).steps),
    condemned.map((pod) => own(world, pod)),
    condemned.filter((pod) => !isTerminating(pod)).map((pod) => [{ do: 'delete', pod, isUpdate: false }]),
    planUpdate(world, replicas),
  ];
}

/** Ends where something has to be waited for. */
function planOrdered(world: World, replicas: readonly Slot[], condemned: readonly Persisted<Pod>[]): Plan {
  const turns: Turn[] = [];
  for (const slot of replicas) {
    const { steps, waits } = tend(world, slot);
    turns.push(steps);
    if (waits) return [turns];
  }
  const owned = condemned.map((pod) => own(world, pod));
  const [victim] = condemned;
  if (!victim) return [turns, planUpdate(world, replicas)];
  const isBlocked =
    isTerminating(victim) ||
    (!isAvailable(world, victim) && victim !== firstUnavailable(world, replicas, condemned));
  return [turns, owned, isBlocked ? [] : [[{ do: 'delete', pod: victim, isUpdate: false }]]];
}

function firstUnavailable(
  world: World,
  replicas: readonly Slot[],
  condemned: readonly Persisted<Pod>[],
): Persisted<Pod> | undefined {
  const inOrder = [...replicas.map(({ pod }) => pod), ...condemned.toReversed()];
  return inOrder.find((pod) => pod === undefined || isUnavailable(world, pod));
}

/** What a pod within the set's ordinals needs, and whether an ordered set has to wait for it. */
function tend(world: World, { ordinal, pod }: Slot): { steps: Turn; waits: boolean } {
  const { set } = world;
  if (!pod) {
    const mayCreate =
      set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete' || !hasStale(world, ordinal);
    return { steps: mayCreate ? [create(world, ordinal)] : [], waits: true };
  }
  if (isPodTerminal(pod)) {
    return { steps: isTerminating(pod) ? [] : [{ do: 'delete', pod, isUpdate: false }], waits: true };
  }
  const steps: Step[] = [];
  if (pod.status?.phase === 'Pending' && lacksClaim(world, ordinal))
    steps.push({ do: 'claim', pod, ordinal });
  const waits = isTerminating(pod) || !isAvailable(world, pod);
  if (waits && set.spec.podManagementPolicy !== 'Parallel') return { steps, waits };
  if (!isTerminating(pod) && !(hasIdentity(pod) && hasStorage(set, pod, ordinal))) {
    steps.push({ do: 'repair', pod: withIdentity(set, pod, ordinal), ordinal });
  }
  return { steps: [...steps, ...own(world, pod)], waits };
}

function create({ set, current, update }: World, ordinal: number): Step {
  const { name, template } = isOfCurrent(set, ordinal) ? current : update;
  return { do: 'create', pod: newPod(set, template, name, ordinal), ordinal };
}

/** Below the partition pods stay as they were. */
function isOfCurrent(set: StatefulSet, ordinal: number): boolean {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return false;
  const kept = rollingUpdate ? (rollingUpdate.partition ?? 0) : (set.status?.currentReplicas ?? 0);
  return ordinal < startOrdinal(set) + kept;
}

function hasStale({ set, claim }: World, ordinal: number): boolean {
  const podName = `${set.metadata.name}-${ordinal}`;
  return claimsOf(set, ordinal).some(({ metadata }) => {
    const found = claim(metadata.name ?? '');
    return found !== undefined && isLeftBehind(found, podName, undefined);
  });
}

function lacksClaim({ set, claim }: World, ordinal: number): boolean {
  return claimsOf(set, ordinal).some(({ metadata }) => claim(metadata.name ?? '') === undefined);
}

function own(world: World, pod: Persisted<Pod>): Step[] {
  const { set, claim } = world;
  const ordinal = ordinalOf(pod, set.metadata.name);
  if (ordinal === undefined) return [];
  const isWrong = claimsOf(set, ordinal).some(({ metadata }) => {
    const found = claim(metadata.name ?? '');
    return found !== undefined && wantedReferences(found, { set, pod }) !== undefined;
  });
  return isWrong ? [{ do: 'own', pod, ordinal }] : [];
}

/** Takes pods of other revisions away, from the highest ordinal down to the partition, as many as may be missing. */
function planUpdate(world: World, replicas: readonly Slot[]): Turn[] {
  const { set, update } = world;
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return [];
  const unavailable = replicas.filter(({ pod }) => !pod || isUnavailable(world, pod)).length;
  const outdated = replicas
    .slice(rollingUpdate?.partition ?? 0)
    .toReversed()
    .map(({ pod }) => pod)
    .filter((pod) => pod !== undefined)
    .filter((pod) => podRevision(pod) !== update.name && !isTerminating(pod));
  const room = maxUnavailable(set) - unavailable;
  // A parallel set does not wait for pods of an older revision that do not come up: they are not missed by anyone.
  const broken =
    set.spec.podManagementPolicy === 'Parallel' ? outdated.filter((pod) => !isAvailable(world, pod)) : [];
  const others = outdated.filter((pod) => !broken.includes(pod)).slice(0, Math.max(0, room));
  return [...broken, ...others].map((pod) => [{ do: 'delete', pod, isUpdate: true }]);
}

export function maxUnavailable({ spec }: StatefulSet): number {
  const value = spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  // A percentage rounds down, and one may always be missing.
  return Math.max(1, scaledValue(value, spec.replicas ?? 1, false));
}

function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function isAvailable({ set, nowMs }: World, pod: Pod): boolean {
  return (
    pod.status?.phase === 'Running' &&
    isPodReady(pod) &&
    isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)
  );
}

function isUnavailable(world: World, pod: Pod): boolean {
  return isTerminating(pod) || !isAvailable(world, pod);
}
