import { describe, expect, test } from 'vitest';
import {
  follow,
  newHistory,
  remember,
} from '../../../functions/controllers/horizontalpodautoscaling/behavior.ts';
import type { PodSample } from '../../../functions/controllers/horizontalpodautoscaling/metrics-source.ts';
import {
  replicasByAverage,
  replicasByShare,
  replicasByUtilization,
  replicasByValue,
} from '../../../functions/controllers/horizontalpodautoscaling/replicas.ts';
import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import fc from '../../support/property.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const longAgo = '2026-01-01T10:00:00Z';
const tolerances = { up: 0.1, down: 0.1 };

/** A pod that asks for one CPU. */
function pod(
  name: string,
  { phase = 'Running', ready = true, startTime = longAgo, deleted = false } = {},
): Persisted<Pod> {
  return {
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      creationTimestamp: longAgo,
      ...(deleted && { deletionTimestamp: longAgo }),
    },
    spec: { containers: [{ name: 'main', resources: { requests: { cpu: '1' } } }] },
    status: {
      phase,
      startTime,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: startTime }],
    },
  };
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `pod-${i}`);
const samples = (...milliValues: number[]) =>
  new Map<string, PodSample>(
    milliValues.map((milliValue, i) => [`pod-${i}`, { milliValue, timestampMs: now, windowMs: 60_000 }]),
  );
const target = (pods: Persisted<Pod>[], currentReplicas = pods.length) => ({
  currentReplicas,
  pods,
  tolerances,
  nowMs: now,
});
const half = { resource: 'cpu', container: undefined, percent: 50 };

describe('by the share of requests that is used', () => {
  test.each([
    ['twice the target', [1000, 1000, 1000], 6, 100],
    ['a little more than the target', [540, 540, 540], 3, 54],
    ['half of the target', [250, 250, 250], 2, 25],
    ['next to nothing', [10, 10, 10], 1, 1],
  ])('%s', (_, values, replicas, utilization) => {
    const usage = replicasByUtilization(target(names(3).map((name) => pod(name))), samples(...values), half);
    expect(usage).toMatchObject({ replicas, utilization });
  });

  test('pods without metrics dampen the change, both ways', () => {
    const four = names(4).map((name) => pod(name));
    // 100 % of two pods against 50 %: with two that use nothing it is right as it is.
    expect(replicasByUtilization(target(four), samples(1000, 1000), half).replicas).toBe(4);
    // 10 % of two pods: with two that use all it is not little any more.
    expect(replicasByUtilization(target(four), samples(100, 100), half).replicas).toBe(4);
  });

  test('pods that are not ready count as idle when scaling up, and do not count when scaling down', () => {
    const young = '2026-01-01T11:59:30Z';
    const three = [pod('pod-0'), pod('pod-1', { startTime: young }), pod('pod-2', { phase: 'Pending' })];
    expect(replicasByUtilization(target(three), samples(1000, 1000), half).replicas).toBe(3);
    expect(replicasByUtilization(target(three), samples(2000, 5000), half).replicas).toBe(4);
    expect(replicasByUtilization(target(three, 3), samples(100, 5000), half).replicas).toBe(1);
  });

  test('what cannot be concluded is said', () => {
    const [one] = [pod('pod-0')];
    const silent = { ...one, spec: { containers: [{ name: 'main' }] } } as Persisted<Pod>;
    expect(() => replicasByUtilization(target([silent]), samples(1), half)).toThrow(
      'missing request for cpu in container main of Pod pod-0',
    );
    expect(() => replicasByUtilization(target([]), samples(1), half)).toThrow('no pods returned by selector');
    expect(() =>
      replicasByUtilization(target([pod('pod-0', { phase: 'Pending' })]), samples(1), half),
    ).toThrow('did not receive metrics for targeted pods (pods might be unready)');
  });
});

test('by averages, values and shares', () => {
  const pods = names(4).map((name) => pod(name));
  expect(replicasByAverage(target(pods), samples(20, 20, 20, 20), 10)).toEqual({
    replicas: 8,
    milliValue: 20,
  });
  expect(replicasByValue(target(pods), 30, 10)).toBe(12);
  expect(replicasByValue(target(pods), 10, 10)).toBe(4);
  expect(replicasByValue({ ...target([]), currentReplicas: 0 }, 25, 10)).toBe(3);
  expect(replicasByShare(target(pods), 4, 100, 10)).toBe(10);
  expect(replicasByShare(target(pods), 4, 42, 10)).toBe(4);
});

describe('how a recommendation is followed', () => {
  const plain = { minReplicas: 1, maxReplicas: 100 };

  test.each([
    [2, 50, 4, 'ScaleUpLimit'],
    [10, 50, 20, 'ScaleUpLimit'],
    [60, 200, 100, 'TooManyReplicas'],
    [10, 12, 12, 'DesiredWithinRange'],
  ])('from %i, %i becomes %i: %s', (current, recommended, replicas, reason) => {
    const history = newHistory(current, now - 600_000);
    const allowed = follow(plain, history, current, recommended, now);
    expect(allowed.replicas).toBe(replicas);
    expect(allowed.conditions.find(({ type }) => type === 'ScalingLimited')?.reason).toBe(reason);
  });

  test('down only as far as the most that was recommended in five minutes', () => {
    const history = newHistory(10, now);
    const at = (seconds: number, recommended: number) =>
      follow(plain, history, 10, recommended, now + seconds * 1000);
    expect(at(15, 2)).toMatchObject({ replicas: 10, conditions: [{ reason: 'ScaleDownStabilized' }, {}] });
    expect(at(290, 6).replicas).toBe(10);
    expect(at(310, 2).replicas).toBe(6);
    expect(at(600, 2)).toMatchObject({ replicas: 2, conditions: [{ reason: 'ReadyForNewScale' }, {}] });
  });

  test('policies limit what changes in their period, the widest of them or the narrowest', () => {
    const rules = (selectPolicy: string) => ({
      ...plain,
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy,
          policies: [
            { type: 'Pods', value: 4, periodSeconds: 60 },
            { type: 'Percent', value: 10, periodSeconds: 60 },
          ],
        },
        scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: 'Disabled', policies: [] },
      },
    });
    const up = (selectPolicy: string) =>
      follow(rules(selectPolicy), newHistory(20, now), 20, 90, now).replicas;
    expect([up('Max'), up('Min'), up('Disabled')]).toEqual([24, 22, 20]);
    const history = newHistory(20, now - 600_000);
    remember(history, 17, 20, now - 30_000);
    expect(follow(rules('Max'), history, 20, 90, now).replicas).toBe(21);
    expect(follow(rules('Max'), history, 20, 1, now).replicas).toBe(20);
  });

  test('whatever is recommended: within the limits, never faster than the rules, never against them', () => {
    const step = fc.record({
      after: fc.integer({ min: 1, max: 400 }),
      recommended: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 30 }),
        (steps, start) => {
          const spec = { minReplicas: 2, maxReplicas: 40 };
          let current = Math.max(2, start);
          let ms = now;
          const history = newHistory(current, ms);
          const recommendations = [{ ms, replicas: current }];
          for (const { after, recommended } of steps) {
            ms += after * 1000;
            const { replicas } = follow(spec, history, current, recommended, ms);
            expect(replicas).toBeGreaterThanOrEqual(2);
            expect(replicas).toBeLessThanOrEqual(40);
            expect(replicas).toBeLessThanOrEqual(Math.max(current, 2 * current, 4));
            const highest = Math.max(
              recommended,
              ...recommendations.filter((one) => one.ms > ms - 300_000).map((one) => one.replicas),
            );
            if (replicas < current) expect(replicas).toBeGreaterThanOrEqual(Math.min(current, highest));
            recommendations.push({ ms, replicas: recommended });
            if (replicas !== current) remember(history, current, replicas, ms);
            current = replicas;
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
