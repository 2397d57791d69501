/** How fast, and how far, a recommendation may be followed (HPA, "Configurable scaling behavior", KEP-853). */
import type { V2HPAScalingRules, V2HorizontalPodAutoscalerSpec } from '../../../lib/api/gen/types.ts';

/** Upstream's `--horizontal-pod-autoscaler-downscale-stabilization`. */
const downscaleStabilizationMs = 300_000;

/**
 * What is remembered of an autoscaler between its rounds. It is no part of the cluster's state: whoever starts anew
 * begins with the present number as the only recommendation, and so is slow to scale down.
 */
export interface History {
  recommendations: { atMs: number; replicas: number }[];
  /** How many replicas came, or went, and when. */
  scaleUps: { atMs: number; change: number }[];
  scaleDowns: { atMs: number; change: number }[];
}

export function newHistory(replicas: number, nowMs: number): History {
  return { recommendations: [{ atMs: nowMs, replicas }], scaleUps: [], scaleDowns: [] };
}

export interface Condition {
  type: 'AbleToScale' | 'ScalingLimited' | 'ScalingActive';
  status: 'True' | 'False';
  reason: string;
  message: string;
}

export interface Allowed {
  replicas: number;
  conditions: Condition[];
}

type Spec = Pick<V2HorizontalPodAutoscalerSpec, 'minReplicas' | 'maxReplicas' | 'behavior'>;

/** The number that a recommendation may become now. Adds it to the history. */
export function follow(
  spec: Spec,
  history: History,
  current: number,
  recommended: number,
  nowMs: number,
): Allowed {
  const stable = stabilize(spec, history, current, recommended, nowMs);
  const limited = spec.behavior
    ? limitByRules(spec, history, current, stable.replicas, nowMs)
    : limitByDefault(spec, current, stable.replicas);
  return { replicas: limited.replicas, conditions: [stable.condition, limited.condition] };
}

export function remember(history: History, from: number, to: number, nowMs: number): void {
  const oldest = nowMs - 1_800_000;
  const keep = (events: History['scaleUps']) => events.filter(({ atMs }) => atMs > oldest);
  history.scaleUps = keep(history.scaleUps);
  history.scaleDowns = keep(history.scaleDowns);
  if (to > from) history.scaleUps.push({ atMs: nowMs, change: to - from });
  else history.scaleDowns.push({ atMs: nowMs, change: from - to });
}

/** Within the window, the least that was recommended to scale up to, and the most that was to scale down to. */
function stabilize(
  { behavior }: Spec,
  history: History,
  current: number,
  recommended: number,
  nowMs: number,
): { replicas: number; condition: Condition } {
  const upMs = (behavior?.scaleUp?.stabilizationWindowSeconds ?? 0) * 1000;
  const downSeconds = behavior?.scaleDown?.stabilizationWindowSeconds;
  const downMs = downSeconds === undefined ? downscaleStabilizationMs : downSeconds * 1000;
  const within = (ms: number) => history.recommendations.filter(({ atMs }) => atMs > nowMs - ms);
  const lowest = Math.min(recommended, ...within(upMs).map(({ replicas }) => replicas));
  const highest = Math.max(recommended, ...within(downMs).map(({ replicas }) => replicas));
  let replicas = current;
  if (replicas < lowest) replicas = lowest;
  if (replicas > highest) replicas = highest;
  history.recommendations = [...within(Math.max(upMs, downMs)), { atMs: nowMs, replicas: recommended }];
  if (replicas === recommended) {
    return { replicas, condition: ableToScale('ReadyForNewScale', 'recommended size matches current size') };
  }
  const isDown = recommended < replicas;
  const word = isDown ? 'higher' : 'lower';
  const message = `recent recommendations were ${word} than current one, applying the ${isDown ? 'highest' : 'lowest'} recent recommendation`;
  return { replicas, condition: ableToScale(isDown ? 'ScaleDownStabilized' : 'ScaleUpStabilized', message) };
}

function ableToScale(reason: string, message: string): Condition {
  return { type: 'AbleToScale', status: 'True', reason, message };
}

function limitByDefault({ minReplicas = 0, maxReplicas }: Spec, current: number, desired: number) {
  const fastest = Math.max(2 * current, 4);
  const most = Math.min(fastest, maxReplicas);
  const least = minReplicas > 0 ? minReplicas : 1;
  if (desired < least) return limited(least, tooFew(minReplicas));
  if (desired > most) return limited(most, fastest < maxReplicas ? tooFast('increasing') : tooMany);
  return within(desired);
}

function limitByRules(
  { minReplicas = 0, maxReplicas, behavior }: Spec,
  history: History,
  current: number,
  desired: number,
  nowMs: number,
) {
  if (desired > current) {
    const rate = Math.max(current, scaleUpLimit(behavior?.scaleUp, history, current, nowMs));
    const most = Math.min(rate, maxReplicas);
    if (desired > most) return limited(most, rate < maxReplicas ? tooFast('increasing') : tooMany);
  } else if (desired < current) {
    const rate = Math.min(current, scaleDownLimit(behavior?.scaleDown, history, current, nowMs));
    const least = Math.max(rate, minReplicas);
    if (desired < least)
      return limited(least, rate > minReplicas ? tooFast('decreasing') : tooFew(minReplicas));
  }
  return within(desired);
}

function scaleUpLimit(
  rules: V2HPAScalingRules | undefined,
  history: History,
  current: number,
  nowMs: number,
): number {
  return limitOf(
    rules,
    current,
    (type, value, periodMs) => {
      const start =
        current - sum(history.scaleUps, periodMs, nowMs) + sum(history.scaleDowns, periodMs, nowMs);
      return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
    },
    'most',
  );
}

function scaleDownLimit(
  rules: V2HPAScalingRules | undefined,
  history: History,
  current: number,
  nowMs: number,
): number {
  return limitOf(
    rules,
    current,
    (type, value, periodMs) => {
      const start =
        current + sum(history.scaleDowns, periodMs, nowMs) - sum(history.scaleUps, periodMs, nowMs);
      return type === 'Pods' ? start - value : Math.floor(start * (1 - value / 100));
    },
    'least',
  );
}

/** The policy that lets most happen, or least where `selectPolicy` is Min; nothing happens where it is Disabled. */
function limitOf(
  rules: V2HPAScalingRules | undefined,
  current: number,
  of: (type: string, value: number, periodMs: number) => number,
  widest: 'most' | 'least',
): number {
  if (rules?.selectPolicy === 'Disabled') return current;
  const limits = (rules?.policies ?? []).map(({ type, value, periodSeconds }) =>
    of(type, value, periodSeconds * 1000),
  );
  if (limits.length === 0) return current;
  const isMost = (widest === 'most') === (rules?.selectPolicy !== 'Min');
  return isMost ? Math.max(...limits) : Math.min(...limits);
}

function sum(events: History['scaleUps'], periodMs: number, nowMs: number): number {
  return events
    .filter(({ atMs }) => atMs > nowMs - periodMs)
    .reduce((total, { change }) => total + change, 0);
}

function within(replicas: number) {
  const message = 'the desired count is within the acceptable range';
  return {
    replicas,
    condition: { type: 'ScalingLimited', status: 'False', reason: 'DesiredWithinRange', message } as const,
  };
}

function limited(replicas: number, { reason, message }: { reason: string; message: string }) {
  return { replicas, condition: { type: 'ScalingLimited', status: 'True', reason, message } as const };
}

const tooMany = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};

const tooFew = (minReplicas: number) =>
  minReplicas === 0
    ? { reason: 'TooFewReplicas', message: 'the desired replica count is zero' }
    : {
        reason: 'TooFewReplicas',
        message: 'the desired replica count is less than the minimum replica count',
      };

const tooFast = (how: 'increasing' | 'decreasing') => ({
  reason: how === 'increasing' ? 'ScaleUpLimit' : 'ScaleDownLimit',
  message: `the desired replica count is ${how} faster than the maximum scale rate`,
});
