/** How many replicas a metric asks for (Horizontal Pod Autoscaling, "Algorithm details"). Values are in thousandths. */
import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { isPodReady } from '../common/pods.ts';
import type { PodSample } from './metrics-source.ts';
import { groupPods, podRequests } from './pods.ts';

/** How far usage may be from its target before anything is done, as a share: 0.1 is ten percent. */
export interface Tolerances {
  up: number;
  down: number;
}

export interface Target {
  currentReplicas: number;
  pods: readonly Persisted<Pod>[];
  tolerances: Tolerances;
  nowMs: number;
}

export interface Usage {
  replicas: number;
  /** Of what is asked for, in percent; only of a target that is a utilization. */
  utilization?: number;
  /** The average of a pod. */
  milliValue: number;
}

/** By the share of their requests that pods use. */
export function replicasByUtilization(
  target: Target,
  samples: ReadonlyMap<string, PodSample>,
  { resource, container, percent }: { resource: string; container: string | undefined; percent: number },
): Usage {
  const requests = podRequests(target.pods, resource, container);
  const ratioOf = (values: ReadonlyMap<string, number>) => {
    const names = [...values.keys()].filter((name) => requests.has(name));
    const used = names.reduce((sum, name) => sum + (values.get(name) ?? 0), 0);
    const asked = names.reduce((sum, name) => sum + (requests.get(name) ?? 0), 0);
    if (asked === 0) throw new Error('no metrics returned matched known pods');
    const utilization = Math.floor((used * 100) / asked);
    return { ratio: utilization / percent, utilization, milliValue: Math.floor(used / names.length) };
  };
  const fallback = (name: string) => Math.floor(((requests.get(name) ?? 0) * Math.max(100, percent)) / 100);
  return calculate(target, samples, resource, ratioOf, fallback);
}

/** By what a pod uses on average. */
export function replicasByAverage(
  target: Target,
  samples: ReadonlyMap<string, PodSample>,
  targetMilliValue: number,
  resource?: string,
): Usage {
  const ratioOf = (values: ReadonlyMap<string, number>) => {
    const sum = [...values.values()].reduce((total, value) => total + value, 0);
    const milliValue = Math.floor(sum / values.size);
    return { ratio: milliValue / targetMilliValue, milliValue };
  };
  return calculate(target, samples, resource, ratioOf, () => targetMilliValue);
}

interface Ratio {
  ratio: number;
  utilization?: number;
  milliValue: number;
}

/**
 * Pods of which nothing is known, or that are not ready, dampen the change: they count as if they spoke against it. If
 * that turns it round, or makes it small, nothing is done.
 */
function calculate(
  { currentReplicas, pods, tolerances, nowMs }: Target,
  samples: ReadonlyMap<string, PodSample>,
  resource: string | undefined,
  ratioOf: (values: ReadonlyMap<string, number>) => Ratio,
  fullUse: (name: string) => number,
): Usage {
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const { ready, unready, missing, ignored } = groupPods(pods, samples, resource, nowMs);
  const values = new Map(
    [...samples]
      .filter(([name]) => !unready.has(name) && !ignored.has(name))
      .map(([name, { milliValue }]) => [name, milliValue]),
  );
  if (values.size === 0) {
    throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  }
  const { ratio, ...shown } = ratioOf(values);
  const stay = { replicas: currentReplicas, ...shown };
  const countsUnready = unready.size > 0 && ratio > 1;
  if (!countsUnready && missing.size === 0) {
    return isWithin(tolerances, ratio) ? stay : { replicas: ceil(ratio * ready), ...shown };
  }
  for (const name of missing) {
    if (ratio < 1) values.set(name, fullUse(name));
    else if (ratio > 1) values.set(name, 0);
  }
  if (countsUnready) for (const name of unready) values.set(name, 0);
  const { ratio: dampened } = ratioOf(values);
  const isTurned = (ratio < 1 && dampened > 1) || (ratio > 1 && dampened < 1);
  if (isWithin(tolerances, dampened) || isTurned) return stay;
  const replicas = ceil(dampened * values.size);
  const isAgainst =
    (dampened < 1 && replicas > currentReplicas) || (dampened > 1 && replicas < currentReplicas);
  return isAgainst ? stay : { replicas, ...shown };
}

/** By a value that is not the pods' own: of another object, or from outside. */
export function replicasByValue(target: Target, milliValue: number, targetMilliValue: number): number {
  const ratio = milliValue / targetMilliValue;
  if (target.currentReplicas === 0) return ceil(ratio);
  if (isWithin(target.tolerances, ratio)) return target.currentReplicas;
  const ready = target.pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod)).length;
  return ceil(ratio * ready);
}

/** The same, where the target is each pod's share. */
export function replicasByShare(
  { tolerances }: Target,
  statusReplicas: number,
  milliValue: number,
  targetMilliValue: number,
): number {
  const ratio = milliValue / (targetMilliValue * statusReplicas);
  return isWithin(tolerances, ratio) ? statusReplicas : ceil(milliValue / targetMilliValue);
}

function isWithin({ up, down }: Tolerances, ratio: number): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

/** What is a whole number but for the last bits stays it. */
function ceil(value: number): number {
  return Math.ceil(Number(value.toFixed(9)));
}
