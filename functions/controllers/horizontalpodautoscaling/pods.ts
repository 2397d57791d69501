import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { parseQuantity, quantityMilliValue } from '../../../lib/api/quantity/index.ts';
import { podCondition } from '../common/pods.ts';
import type { PodSample } from './metrics-source.ts';

/** A pod that has just started may use much CPU for reasons of its own; upstream's defaults. */
const cpuInitializationMs = 300_000;
const initialReadinessDelayMs = 30_000;

/** A scale target's pods by what their metrics are worth. */
export interface PodGroups {
  ready: number;
  /** Their samples do not count yet. */
  unready: Set<string>;
  /** Nothing is known of them. */
  missing: Set<string>;
  /** They are going, or have failed. */
  ignored: Set<string>;
}

export function groupPods(
  pods: readonly Persisted<Pod>[],
  samples: ReadonlyMap<string, PodSample>,
  resource: string | undefined,
  nowMs: number,
): PodGroups {
  const groups: PodGroups = { ready: 0, unready: new Set(), missing: new Set(), ignored: new Set() };
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const sample = samples.get(name);
    if (deletionTimestamp || pod.status?.phase === 'Failed') groups.ignored.add(name);
    else if (pod.status?.phase === 'Pending') groups.unready.add(name);
    else if (!sample) groups.missing.add(name);
    else if (resource === 'cpu' && isWarmingUp(pod, sample, nowMs)) groups.unready.add(name);
    else groups.ready++;
  }
  return groups;
}

function isWarmingUp(pod: Pod, sample: PodSample, nowMs: number): boolean {
  const ready = podCondition(pod, 'Ready');
  const startedMs = Date.parse(pod.status?.startTime ?? '');
  if (!ready || Number.isNaN(startedMs)) return true;
  const changedMs = Date.parse(ready.lastTransitionTime ?? '') || 0;
  if (startedMs + cpuInitializationMs > nowMs) {
    return ready.status === 'False' || sample.timestampMs < changedMs + sample.windowMs;
  }
  // It has never been ready.
  return ready.status === 'False' && startedMs + initialReadinessDelayMs > changedMs;
}

/**
 * What each pod asks for, in thousandths.
 * @throws Error where one asks for nothing: a share of nothing cannot be said
 */
export function podRequests(
  pods: readonly Persisted<Pod>[],
  resource: string,
  container: string | undefined,
): Map<string, number> {
  const requests = new Map<string, number>();
  for (const { metadata, spec } of pods) {
    const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
    const counted = [...spec.containers, ...sidecars].filter(({ name }) => !container || container === name);
    const ofPod = container ? undefined : spec.resources?.requests?.[resource];
    let sum = ofPod === undefined ? 0 : Number(quantityMilliValue(parseQuantity(ofPod)));
    for (const { name, resources } of ofPod === undefined ? counted : []) {
      const request = resources?.requests?.[resource];
      if (request === undefined) {
        throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`);
      }
      sum += Number(quantityMilliValue(parseQuantity(request)));
    }
    requests.set(metadata.name, sum);
  }
  return requests;
}
