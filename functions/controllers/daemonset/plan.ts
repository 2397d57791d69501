/** What a DaemonSet's controller does next, from what there is: a function of its arguments alone. */
import type { DaemonSet, Node, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { scaledValue } from '../common/int-or-string.ts';
import { isPodAvailable, isPodReady, isPodTerminal } from '../common/pods.ts';
import { isUpdated, nodeOf, type Placement, placementOn } from './placement.ts';

export interface World {
  set: Persisted<DaemonSet>;
  nodes: readonly Persisted<Node>[];
  pods: readonly Persisted<Pod>[];
  /** Of the newest template. */
  hash: string;
  nowMs: number;
  /** In how many ms a failed pod on this node may be replaced. */
  failureWaitMs: (nodeName: string) => number;
}

export interface Plan {
  /** Nodes that get a pod. */
  create: string[];
  delete: Persisted<Pod>[];
  events: { type: 'Normal' | 'Warning'; reason: string; message: string }[];
  /** When to look again at failed pods. */
  retryMs: number | undefined;
}

/** A node with its placement and the set's pods that are on it or bound for it, the oldest first. */
export interface Spot extends Placement {
  name: string;
  pods: Persisted<Pod>[];
}

/** By the nodes' names. */
export function spotsOf({ set, nodes, pods }: World): Spot[] {
  // Pods that have ended and are being deleted are of no concern any more.
  const living = pods.filter((pod) => !(isPodTerminal(pod) && isTerminating(pod)));
  const byNode = Map.groupBy(living, nodeOf);
  return nodes
    .map((node) => ({
      name: node.metadata.name,
      ...placementOn(node, set),
      pods: (byNode.get(node.metadata.name) ?? []).toSorted(compareAge),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** One pod on each node that should have one; two for a while, where the strategy allows a surge. */
export function planPlacement(world: World, spots: readonly Spot[]): Plan {
  const plan: Plan = { create: [], delete: [], events: [], retryMs: undefined };
  for (const spot of spots) {
    if (spot.shouldRun && spot.pods.length === 0) plan.create.push(spot.name);
    else if (spot.mayStay) tend(world, spot, plan);
    else plan.delete.push(...spot.pods.filter((pod) => !isTerminating(pod)));
  }
  plan.delete.push(...boundForNowhere(world));
  return plan;
}

/** Pods that wait for a node that there is no more: nobody else would ever delete them. */
function boundForNowhere({ nodes, pods }: World): Persisted<Pod>[] {
  const names = new Set(nodes.map(({ metadata }) => metadata.name));
  return pods.filter((pod) => {
    const target = nodeOf(pod);
    return !pod.spec.nodeName && !isTerminating(pod) && target !== undefined && !names.has(target);
  });
}

function tend(world: World, spot: Spot, plan: Plan): void {
  const running: Persisted<Pod>[] = [];
  for (const pod of spot.pods) {
    if (isTerminating(pod)) continue;
    if (isPodTerminal(pod)) replaceEnded(world, spot.name, pod, plan);
    else running.push(pod);
  }
  if (maxSurge(world.set, 1) === 0) {
    plan.delete.push(...running.slice(1));
    return;
  }
  if (running.length === 0 && spot.shouldRun) plan.create.push(spot.name);
  plan.delete.push(...surplusOf(world, running));
}

function replaceEnded(world: World, nodeName: string, pod: Persisted<Pod>, plan: Plan): void {
  const { namespace, name } = pod.metadata;
  const where = `${namespace}/${name} on node ${nodeName}`;
  if (pod.status?.phase === 'Succeeded') {
    const message = `Found succeeded daemon pod ${where}, will try to delete it`;
    plan.events.push({ type: 'Normal', reason: 'SucceededDaemonPod', message });
  } else {
    const waitMs = world.failureWaitMs(nodeName);
    if (waitMs > 0) {
      plan.retryMs = Math.min(waitMs, plan.retryMs ?? waitMs);
      return;
    }
    const message = `Found failed daemon pod ${where}, will try to kill it`;
    plan.events.push({ type: 'Warning', reason: 'FailedDaemonPod', message });
  }
  plan.delete.push(pod);
}

/** An old pod stays beside a new one until that is available, and only while it is ready itself. */
function surplusOf(world: World, running: readonly Persisted<Pod>[]): Persisted<Pod>[] {
  const { set, hash } = world;
  const [newPod, ...moreNew] = running.filter((pod) => isUpdated(pod, set, hash));
  const [oldPod, ...moreOld] = running.filter((pod) => !isUpdated(pod, set, hash));
  const surplus = [...moreNew, ...moreOld];
  const isDone = newPod && oldPod && (!isPodReady(oldPod) || isAvailable(world, newPod));
  return isDone ? [...surplus, oldPod] : surplus;
}

/** Replaces pods of older templates, within what the strategy allows. Asked once each node has the pods it should. */
export function planUpdate(world: World, spots: readonly Spot[]): Pick<Plan, 'create' | 'delete'> {
  const { set } = world;
  if (set.spec.updateStrategy?.type !== 'RollingUpdate') return { create: [], delete: [] };
  const wanted = spots.filter(({ shouldRun }) => shouldRun);
  const surge = maxSurge(set, wanted.length);
  const unavailable = maxUnavailable(set, wanted.length);
  const pairs = wanted.map((spot) => ({ name: spot.name, ...pairOf(world, spot) }));
  // The API lets no strategy through that allows neither; one at a time is what is meant by none.
  return surge === 0
    ? replaceInPlace(world, pairs, Math.max(1, unavailable))
    : replaceBySurge(world, pairs, surge);
}

interface Pair {
  name: string;
  newPod: Persisted<Pod> | undefined;
  oldPod: Persisted<Pod> | undefined;
  /** More than one of either: to be tidied up first. */
  isCrowded: boolean;
}

function pairOf({ set, hash }: World, { pods }: Spot): Omit<Pair, 'name'> {
  const living = pods.filter((pod) => !isTerminating(pod));
  const [newPod, anotherNew] = living.filter((pod) => isUpdated(pod, set, hash));
  const [oldPod, anotherOld] = living.filter((pod) => !isUpdated(pod, set, hash));
  return { newPod, oldPod, isCrowded: anotherNew !== undefined || anotherOld !== undefined };
}

function replaceInPlace(
  world: World,
  pairs: readonly Pair[],
  limit: number,
): Pick<Plan, 'create' | 'delete'> {
  const broken: Persisted<Pod>[] = [];
  const candidates: Persisted<Pod>[] = [];
  let missing = 0;
  for (const { newPod, oldPod, isCrowded } of pairs) {
    if (isCrowded || Boolean(newPod) === Boolean(oldPod)) missing++;
    else if (newPod) missing += isAvailable(world, newPod) ? 0 : 1;
    else if (oldPod) (isAvailable(world, oldPod) ? candidates : broken).push(oldPod);
  }
  return { create: [], delete: [...broken, ...candidates.slice(0, Math.max(0, limit - missing))] };
}

function replaceBySurge(
  world: World,
  pairs: readonly Pair[],
  limit: number,
): Pick<Plan, 'create' | 'delete'> {
  const finished: Persisted<Pod>[] = [];
  const broken: string[] = [];
  const candidates: string[] = [];
  let surging = 0;
  for (const { name, newPod, oldPod, isCrowded } of pairs) {
    if (isCrowded) surging++;
    else if (!oldPod) continue;
    else if (!newPod) (isAvailable(world, oldPod) ? candidates : broken).push(name);
    else if (isAvailable(world, newPod)) finished.push(oldPod);
    else surging++;
  }
  return { create: [...broken, ...candidates.slice(0, Math.max(0, limit - surging))], delete: finished };
}

function maxSurge({ spec }: DaemonSet, desired: number): number {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  return type === 'RollingUpdate' ? scaledValue(rollingUpdate?.maxSurge ?? 0, desired, true) : 0;
}

function maxUnavailable({ spec }: DaemonSet, desired: number): number {
  return scaledValue(spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, desired, true);
}

function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function isAvailable({ set, nowMs }: World, pod: Pod): boolean {
  return isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
}

/** On a node before not yet, then older before younger; of those of one second, which serve before which do not. */
function compareAge(a: Persisted<Pod>, b: Persisted<Pod>): number {
  return (
    Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName)) ||
    compareText(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
    Number(isPodReady(b)) - Number(isPodReady(a)) ||
    compareText(a.metadata.name, b.metadata.name)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
