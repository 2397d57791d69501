import type { DaemonSet, DaemonSetStatus } from '../../../lib/api/gen/types.ts';
import { orNone } from '../common/or-none.ts';
import { isPodAvailable, isPodReady } from '../common/pods.ts';
import { isUpdated } from './placement.ts';
import type { Spot } from './plan.ts';

/** Of each node the oldest pod counts. */
export function daemonSetStatus(
  set: DaemonSet,
  spots: readonly Spot[],
  facts: { hash: string; collisionCount: number | undefined; nowMs: number },
): DaemonSetStatus {
  const { metadata, spec, status } = set;
  const wanted = spots.filter(({ shouldRun }) => shouldRun);
  const counting = wanted.map(({ pods }) => pods[0]).filter((pod) => pod !== undefined);
  const ready = counting.filter(isPodReady);
  const available = ready.filter((pod) => isPodAvailable(pod, spec.minReadySeconds ?? 0, facts.nowMs));
  const astray = spots.filter(({ shouldRun, pods }) => !shouldRun && pods.length > 0);
  return {
    ...status,
    observedGeneration: metadata.generation,
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: counting.length,
    numberMisscheduled: astray.length,
    numberReady: ready.length,
    updatedNumberScheduled: orNone(counting.filter((pod) => isUpdated(pod, set, facts.hash)).length),
    numberAvailable: orNone(available.length),
    numberUnavailable: orNone(wanted.length - available.length),
    collisionCount: facts.collisionCount,
  };
}
