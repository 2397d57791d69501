import { describe, expect, test } from 'vitest';
import { computeHash } from '../../../functions/controllers/common/hash.ts';
import { proportionalSizes } from '../../../functions/controllers/deployment/proportion.ts';
import { buildSet, sameTemplate } from '../../../functions/controllers/deployment/replica-sets.ts';
import { newSetAnnotations, wasScaled } from '../../../functions/controllers/deployment/revision.ts';
import { progressCheckMs, rolloutStatus } from '../../../functions/controllers/deployment/status.ts';
import {
  maxSurge,
  maxUnavailable,
  newSetReplicas,
  setReplicas,
  sumOf,
} from '../../../functions/controllers/deployment/strategy.ts';
import fc from '../../support/property.ts';
import { deployment, replicaSet, template } from './objects.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const rolling = (surge: number | string, unavailable: number | string) => ({
  type: 'RollingUpdate',
  rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable },
});

describe('surge and unavailable', () => {
  test.each([
    ['25%', '25%', 10, 3, 2],
    ['25%', '25%', 1, 1, 0],
    ['0%', '10%', 5, 0, 1],
    [0, 0, 5, 0, 1],
    ['100%', '100%', 7, 7, 7],
    [2, 9, 3, 2, 3],
    [1, 0, 0, 1, 0],
  ])('%s and %s of %i pods', (surge, unavailable, replicas, pods, away) => {
    const it = deployment({ replicas, strategy: rolling(surge, unavailable) });
    expect([maxSurge(it), maxUnavailable(it)]).toEqual([pods, away]);
  });

  test('a Recreate has neither', () => {
    const it = deployment({ replicas: 10, strategy: { type: 'Recreate' } });
    expect([maxSurge(it), maxUnavailable(it)]).toEqual([0, 0]);
  });

  test('the new set grows into the room that the surge leaves, never past what is wanted', () => {
    const it = deployment({ replicas: 10, strategy: rolling(3, 2) });
    const old = (replicas: number, status: object = {}) =>
      replicaSet('old', { replicas }, { status: { replicas, observedGeneration: 1, ...status } });
    expect(newSetReplicas(it, [old(10)], 0)).toBe(3);
    expect(newSetReplicas(it, [old(2)], 4)).toBe(10);
    expect(newSetReplicas(it, [old(10)], 3)).toBe(3);
    // Its pods are still there, or still being made.
    expect(newSetReplicas(it, [old(2, { replicas: 9 })], 4)).toBe(4);
    expect(newSetReplicas(it, [old(2, { observedGeneration: 0 })], 4)).toBe(4);
  });
});

describe('proportional scaling', () => {
  const at = (name: string, replicas: number, max: number, creationTimestamp = '2026-01-01T00:00:00Z') =>
    replicaSet(
      name,
      { replicas },
      {
        metadata: {
          creationTimestamp,
          annotations: { 'deployment.kubernetes.io/max-replicas': String(max) },
        },
      },
    );

  test('shares what is added as the sets are, the larger getting what rounding leaves', () => {
    const it = deployment({ replicas: 15, strategy: rolling(3, 2) });
    const sizes = proportionalSizes(it, [at('old', 8, 13), at('new', 5, 13, '2026-01-01T00:10:00Z')]);
    expect(Object.fromEntries(sizes.map(({ set, size }) => [set.metadata.name, size]))).toEqual({
      old: 11,
      new: 7,
    });
  });

  test('to nothing, all go', () => {
    const it = deployment({ replicas: 0, strategy: rolling(3, 2) });
    expect(proportionalSizes(it, [at('old', 8, 13), at('new', 5, 13)]).map(({ size }) => size)).toEqual([
      0, 0,
    ]);
  });

  test('all together are always what is wanted and the surge', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 0, max: 10 }),
        (sizes, replicas, surge) => {
          const max = sizes.reduce((sum, size) => sum + size, 0);
          const it = deployment({ replicas, strategy: rolling(surge, 1) });
          const sets = sizes.map((size, index) => at(`set-${index}`, size, max));
          const scaled = proportionalSizes(it, sets);
          expect(scaled.reduce((sum, { size }) => sum + size, 0)).toBe(replicas + surge);
          expect(scaled.every(({ size }) => size >= 0)).toBe(true);
        },
      ),
    );
  });
});

describe('the template hash', () => {
  test('uses characters that are safe in names, and does not depend on the order of keys', () => {
    const hash = computeHash(template, undefined);
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    expect(computeHash({ spec: template.spec, metadata: template.metadata }, undefined)).toBe(hash);
  });

  test('differs by what the template says and by the collision count', () => {
    const hashes = [
      computeHash(template, undefined),
      computeHash(template, 0),
      computeHash(template, 1),
      computeHash({ ...template, spec: { ...template.spec, hostNetwork: true } }, undefined),
    ];
    expect(new Set(hashes).size).toBe(4);
  });

  test('does not count when templates are compared', () => {
    const labelled = { ...template, metadata: { labels: { app: 'web', 'pod-template-hash': 'x' } } };
    expect(sameTemplate(labelled, template)).toBe(true);
    expect(sameTemplate({ ...template, metadata: { labels: { app: 'other' } } }, template)).toBe(false);
  });

  test('is in the new set name, labels, selector and template', () => {
    const set = buildSet(deployment({ replicas: 3 }), [], 1n);
    const hash = set.metadata.labels?.['pod-template-hash'];
    expect(set.metadata.name).toBe(`web-${hash}`);
    expect(set.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(set.spec.template?.metadata?.labels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(set.metadata.annotations).toEqual({
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
  });
});

describe('revisions', () => {
  test('a set that comes back keeps the revisions it had', () => {
    const it = deployment(
      {},
      { metadata: { annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } } },
    );
    const first = newSetAnnotations(it, { 'deployment.kubernetes.io/revision': '1' }, 3n);
    expect(first).toEqual({
      note: 'x',
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect(newSetAnnotations(it, first, 5n)['deployment.kubernetes.io/revision-history']).toBe('1,3');
    expect(newSetAnnotations(it, first, 2n)).toEqual(first);
  });

  test('compares revisions as numbers', () => {
    const annotations = newSetAnnotations(deployment(), { 'deployment.kubernetes.io/revision': '9' }, 10n);
    expect(annotations['deployment.kubernetes.io/revision']).toBe('10');
  });

  test('tells scaling from rolling out by what a set notes', () => {
    const set = replicaSet(
      'web-1',
      {},
      { metadata: { annotations: { 'deployment.kubernetes.io/desired-replicas': '3' } } },
    );
    expect(wasScaled(deployment({ replicas: 3 }), [set])).toBe(false);
    expect(wasScaled(deployment({ replicas: 4 }), [set])).toBe(true);
    expect(wasScaled(deployment({ replicas: 4 }), [replicaSet('web-1')])).toBe(false);
  });
});

describe('status and conditions', () => {
  const set = (counts: { replicas: number; ready?: number; available?: number }) =>
    replicaSet(
      'web-1',
      { replicas: 2 },
      {
        status: {
          replicas: counts.replicas,
          readyReplicas: counts.ready ?? 0,
          availableReplicas: counts.available ?? 0,
        },
      },
    );
  const it = (status: object = {}) =>
    deployment({ replicas: 2, progressDeadlineSeconds: 60, strategy: rolling(1, 0) }, { status });

  test('progress moves lastUpdateTime and says which set', () => {
    const status = rolloutStatus(it(), [set({ replicas: 2 })], set({ replicas: 2 }), now);
    expect(status).toMatchObject({
      replicas: 2,
      updatedReplicas: 2,
      unavailableReplicas: 2,
      observedGeneration: 1,
    });
    expect(status.conditions).toMatchObject([
      {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      },
      {
        type: 'Progressing',
        status: 'True',
        reason: 'ReplicaSetUpdated',
        message: 'ReplicaSet "web-1" is progressing.',
      },
    ]);
  });

  test('complete', () => {
    const full = set({ replicas: 2, ready: 2, available: 2 });
    const status = rolloutStatus(it({ observedGeneration: 1 }), [full], full, now);
    expect(status.conditions).toMatchObject([
      {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      },
      {
        type: 'Progressing',
        status: 'True',
        reason: 'NewReplicaSetAvailable',
        message: 'ReplicaSet "web-1" has successfully progressed.',
      },
    ]);
    expect(progressCheckMs(it(), status, now)).toBeUndefined();
  });

  test('over the deadline without progress', () => {
    const stuck = set({ replicas: 2 });
    const before = {
      replicas: 2,
      updatedReplicas: 2,
      conditions: [
        {
          type: 'Progressing',
          status: 'True',
          reason: 'ReplicaSetUpdated',
          lastUpdateTime: '2026-01-01T00:58:00Z',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    };
    const status = rolloutStatus(it(before), [stuck], stuck, now);
    expect(status.conditions?.find((condition) => condition.type === 'Progressing')).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: 'ReplicaSet "web-1" has timed out progressing.',
    });
  });

  test('looks again a second after the deadline', () => {
    const status = {
      conditions: [
        {
          type: 'Progressing',
          status: 'True',
          reason: 'ReplicaSetUpdated',
          lastUpdateTime: '2026-01-01T00:59:30Z',
        },
      ],
    };
    expect(progressCheckMs(it(), status, now)).toBe(31_000);
  });

  test('a set that cannot create pods says so on the Deployment', () => {
    const failing = replicaSet(
      'web-1',
      {},
      {
        status: {
          replicas: 0,
          conditions: [
            {
              type: 'ReplicaFailure',
              status: 'True',
              reason: 'FailedCreate',
              message: 'no quota',
              lastTransitionTime: '2026-01-01T00:00:00Z',
            },
          ],
        },
      },
    );
    const status = rolloutStatus(it(), [failing], failing, now);
    expect(status.conditions?.at(-1)).toEqual({
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: 'no quota',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      lastUpdateTime: '2026-01-01T00:00:00Z',
    });
  });
});

test('sums count sets without replicas as one', () => {
  expect(
    sumOf([replicaSet('a', { replicas: undefined }), replicaSet('b', { replicas: 4 })], setReplicas),
  ).toBe(5);
});
