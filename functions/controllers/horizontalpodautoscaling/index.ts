import type {
  Scale,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerStatus,
  V2MetricStatus,
} from '../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import { parseQuantity, quantityMilliValue } from '../../../lib/api/quantity/index.ts';
import { matchesLabels, parseLabelSelector } from '../../../lib/api/selectors/index.ts';
import type { Resource } from '../../../lib/client/port.ts';
import { apiVersionOf, horizontalPodAutoscalers, pods } from '../../../lib/client/resources.ts';
import { rfc3339 } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import { semanticEqual } from '../common/equal.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import { writeStatus } from '../common/write-status.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { type Condition, follow, type History, newHistory, remember } from './behavior.ts';
import { measureAll, type ScaleTarget } from './metrics.ts';
import { metricsSource } from './metrics-source.ts';

/** Follows what metrics say of how many replicas a workload needs (Horizontal Pod Autoscaling). */
export const horizontalPodAutoscalerController: ControllerEntry = {
  name: 'horizontalpodautoscaling',
  component: 'horizontal-pod-autoscaler',
  create,
};

/** Upstream's `--horizontal-pod-autoscaler-sync-period`. */
const syncPeriodMs = 15_000;
/** Upstream's `--horizontal-pod-autoscaler-tolerance`. */
const defaultTolerance = 0.1;

/** One round of one autoscaler: what it found out, for its status. */
interface Round {
  autoscaler: Persisted<V2HorizontalPodAutoscaler>;
  conditions: Map<string, Condition>;
  metrics: V2MetricStatus[];
}

function create(context: ControllerContext): Controller {
  const { client, clock, recorder } = context;
  const autoscalers = context.lister(horizontalPodAutoscalers);
  const allPods = context.lister(pods);
  const source = metricsSource(client);
  const histories = new Map<string, History>();

  async function reconcile(key: string): Promise<Result> {
    const autoscaler = autoscalers.get(key);
    if (!autoscaler) {
      histories.delete(key);
      return done;
    }
    if (autoscaler.metadata.deletionTimestamp) return done;
    await scale(key, { autoscaler, conditions: new Map(), metrics: autoscaler.status?.currentMetrics ?? [] });
    return requeueAfter(syncPeriodMs);
  }

  async function scale(key: string, round: Round): Promise<void> {
    const { autoscaler } = round;
    const found = await findScale(autoscaler).catch((error: unknown) => {
      recorder.event(autoscaler, 'Warning', 'FailedGetScale', messageOf(error));
      const message = `the HPA controller was unable to get the target's current scale: ${messageOf(error)}`;
      say(round, { type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message });
      return undefined;
    });
    const { status } = autoscaler;
    if (!found) return await tell(round, status?.currentReplicas, status?.desiredReplicas ?? 0, false);
    const message = "the HPA controller was able to get the target's current scale";
    say(round, { type: 'AbleToScale', status: 'True', reason: 'SucceededGetScale', message });
    const current = found.scale.spec?.replicas ?? 0;
    const now = clock.now();
    const history = histories.get(key) ?? newHistory(current, now);
    histories.set(key, history);
    const wish = await decide(round, found.scale, history, now);
    if (!wish) return await tell(round, current, status?.desiredReplicas ?? current, false);
    if (wish.replicas === current) return await tell(round, current, current, false);
    const isDone = await rescale(round, found, wish);
    if (isDone) remember(history, current, wish.replicas, now);
    await tell(round, current, isDone ? wish.replicas : current, isDone);
  }

  /** Undefined where nothing can be said. */
  async function decide(
    round: Round,
    target: Persisted<Scale>,
    history: History,
    now: number,
  ): Promise<{ replicas: number; reason: string } | undefined> {
    const { spec } = round.autoscaler;
    const { minReplicas = 1, maxReplicas } = spec;
    const current = target.spec?.replicas ?? 0;
    if (current === 0 && minReplicas !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      say(round, { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message });
      return { replicas: 0, reason: '' };
    }
    if (current > maxReplicas) {
      return { replicas: maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas' };
    }
    if (current < minReplicas) {
      return { replicas: minReplicas, reason: 'Current number of replicas below Spec.MinReplicas' };
    }
    const best = await listen(round, target, now);
    if (!best) return undefined;
    const { replicas, conditions } = follow(spec, history, current, best.replicas, now);
    for (const condition of conditions) say(round, condition);
    return {
      replicas,
      reason: replicas > current ? `${best.name} above target` : 'All metrics below target',
    };
  }

  /** Asks the metrics. */
  async function listen(round: Round, target: Persisted<Scale>, now: number) {
    const { autoscaler } = round;
    const selector = target.status?.selector ?? '';
    if (!selector) {
      const message = "the HPA target's scale is missing a selector";
      recorder.event(autoscaler, 'Warning', 'SelectorRequired', 'selector is required');
      say(round, { type: 'ScalingActive', status: 'False', reason: 'InvalidSelector', message });
      return undefined;
    }
    const { namespace = '' } = autoscaler.metadata;
    const parsed = parseLabelSelector(selector);
    const scaleTarget: ScaleTarget = {
      currentReplicas: target.spec?.replicas ?? 0,
      statusReplicas: target.status?.replicas ?? 0,
      namespace,
      podSelector: selector,
      pods: allPods.list(namespace).filter(({ metadata }) => matchesLabels(parsed, metadata.labels)),
      tolerances: {
        up: toleranceOf(autoscaler.spec.behavior?.scaleUp?.tolerance),
        down: toleranceOf(autoscaler.spec.behavior?.scaleDown?.tolerance),
      },
      nowMs: now,
    };
    const { best, statuses, failures } = await measureAll(source, scaleTarget, autoscaler);
    round.metrics = statuses;
    for (const { reason, message } of failures) recorder.event(autoscaler, 'Warning', reason, message);
    const [first] = failures;
    if (!best && first) {
      const count = autoscaler.spec.metrics?.length ?? 0;
      const text = `invalid metrics (${failures.length} invalid out of ${count}), first error is: ${first.summary}`;
      recorder.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', text);
      const message = `the HPA was unable to compute the replica count: ${first.message}`;
      say(round, { type: 'ScalingActive', status: 'False', reason: first.reason, message });
      return undefined;
    }
    const message = `the HPA was able to successfully calculate a replica count from ${best?.name}`;
    say(round, { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound', message });
    return best;
  }

  async function findScale({ metadata, spec }: Persisted<V2HorizontalPodAutoscaler>): Promise<{
    resource: Resource<KubeObject>;
    scale: Persisted<Scale>;
  }> {
    const { apiVersion = 'v1', kind, name } = spec.scaleTargetRef;
    const { resources } = await client.discover();
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
    const resource =
      resources.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion) ??
      resources.find((one) => one.kind === kind && one.group === group);
    if (!resource) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
    const ref = { namespace: metadata.namespace, name };
    const scale = await client.get<Scale>(resource as Resource<Scale>, ref, { subresource: 'scale' });
    return { resource, scale };
  }

  async function rescale(
    round: Round,
    { resource, scale: target }: { resource: Resource<KubeObject>; scale: Persisted<Scale> },
    { replicas, reason }: { replicas: number; reason: string },
  ): Promise<boolean> {
    const { autoscaler } = round;
    try {
      const next = { ...target, spec: { ...target.spec, replicas } };
      await client.update<Scale>(resource as Resource<Scale>, next, { subresource: 'scale' });
    } catch (error) {
      const text = `New size: ${replicas}; reason: ${reason}; error: ${messageOf(error)}`;
      recorder.event(autoscaler, 'Warning', 'FailedRescale', text);
      const message = `the HPA controller was unable to update the target scale: ${messageOf(error)}`;
      say(round, { type: 'AbleToScale', status: 'False', reason: 'FailedUpdateScale', message });
      return false;
    }
    const message = `the HPA controller was able to update the target scale to ${replicas}`;
    say(round, { type: 'AbleToScale', status: 'True', reason: 'SucceededRescale', message });
    recorder.event(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`);
    return true;
  }

  async function tell(
    { autoscaler, conditions, metrics }: Round,
    currentReplicas: number | undefined,
    desiredReplicas: number,
    isRescaled: boolean,
  ): Promise<void> {
    const before = autoscaler.status;
    const at = rfc3339(clock.now());
    const known = before?.conditions ?? [];
    const changed = [...conditions.values()].map((condition) => {
      const old = known.find(({ type }) => type === condition.type);
      const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : at;
      return { ...condition, lastTransitionTime };
    });
    const kept = known.map(({ type }) => type);
    const status: V2HorizontalPodAutoscalerStatus = {
      ...before,
      ...(currentReplicas !== undefined && { currentReplicas }),
      desiredReplicas,
      currentMetrics: metrics,
      conditions: [
        ...known.map((old) => changed.find(({ type }) => type === old.type) ?? old),
        ...changed.filter(({ type }) => !kept.includes(type)),
      ],
      ...(isRescaled && { lastScaleTime: at }),
    };
    await writeStatus(client, horizontalPodAutoscalers, autoscaler, status);
  }

  return {
    name: 'horizontalpodautoscaling',
    watches: [
      watchOf(horizontalPodAutoscalers, (change) => {
        // Its own status brings nobody anything new.
        const isSame = semanticEqual(change.before?.spec, change.after?.spec);
        return isSame && change.before ? [] : ownKey(change);
      }),
    ],
    reconcile,
  };
}

function say({ conditions }: Round, condition: Condition): void {
  conditions.set(condition.type, condition);
}

function toleranceOf(text: string | undefined): number {
  return text === undefined ? defaultTolerance : quantityMilliValue(parseQuantity(text)) / 1000;
}
