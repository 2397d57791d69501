import { describe, expect, test } from 'vitest';
import { slowStartBatch } from '../../../functions/controllers/common/batch.ts';
import { podsToDelete } from '../../../functions/controllers/common/replicas/ranking.ts';
import { replicaStatus } from '../../../functions/controllers/common/replicas/status.ts';
import { pod, readySince, replicaSet } from './objects.ts';

const now = Date.parse('2026-01-02T00:00:00Z');
const ready = readySince('2026-01-01T00:00:00Z');

describe('which pods go first', () => {
  const first = (...candidates: ReturnType<typeof pod>[]) =>
    podsToDelete(candidates, candidates, 1, now).map(({ metadata }) => metadata.name);
  const good = () => pod('good', { status: ready });

  test.each([
    ['one without a node', pod('bad', { spec: { nodeName: undefined }, status: ready })],
    ['a pending one', pod('bad', { status: { phase: 'Pending' } })],
    ['one that is not ready', pod('bad', { status: { phase: 'Running' } })],
    [
      'a cheap one',
      pod('bad', {
        metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } },
        status: ready,
      }),
    ],
    ['one that is ready for less time', pod('bad', { status: readySince('2026-01-01T23:59:00Z') })],
    [
      'one that restarted',
      pod('bad', {
        status: {
          ...ready,
          containerStatuses: [{ name: 'web', restartCount: 2, ready: true, image: '', imageID: '' }],
        },
      }),
    ],
    ['a younger one', pod('bad', { metadata: { creationTimestamp: '2026-01-01T23:59:00Z' }, status: ready })],
  ])('%s', (_, bad) => {
    expect(first(good(), bad)).toEqual(['bad']);
    expect(first(bad, good())).toEqual(['bad']);
  });

  test('one of those that share a node', () => {
    const alone = pod('alone', { spec: { nodeName: 'node-2' }, status: ready });
    const one = pod('one', { status: ready });
    expect(podsToDelete([alone, one], [alone, one, pod('sibling', { status: ready })], 1, now)).toEqual([
      one,
    ]);
  });

  test('times of one power of two are the same: the uid decides', () => {
    const a = pod('a', { status: readySince('2026-01-01T00:00:00Z') });
    const b = pod('b', { status: readySince('2026-01-01T00:00:01Z') });
    expect(first(b, a)).toEqual(['a']);
  });
});

describe('status', () => {
  const set = replicaSet('web-1', { replicas: 3, minReadySeconds: 10 });
  const active = [
    pod('a', { metadata: { labels: { app: 'web' } }, status: ready }),
    pod('b', { status: readySince('2026-01-01T23:59:55Z') }),
  ];

  test('counts', () => {
    expect(replicaStatus(set, active, undefined, now)).toEqual({
      replicas: 2,
      fullyLabeledReplicas: 1,
      readyReplicas: 2,
      availableReplicas: 1,
      observedGeneration: 1,
      conditions: [],
    });
  });

  test('a failure is a condition until it is over', () => {
    const status = replicaStatus(set, active, new Error('exceeded quota'), now);
    expect(status.conditions).toEqual([
      {
        type: 'ReplicaFailure',
        status: 'True',
        reason: 'FailedCreate',
        message: 'exceeded quota',
        lastTransitionTime: '2026-01-02T00:00:00Z',
      },
    ]);
    expect(replicaStatus({ ...set, status }, active, undefined, now).conditions).toEqual([]);
  });
});

describe('slow start', () => {
  test('doubles while all succeed', async () => {
    let calls = 0;
    const result = await slowStartBatch(10, async () => {
      calls++;
    });
    expect({ calls, ...result }).toEqual({ calls: 10, successes: 10, error: undefined });
  });

  test('stops after the batch that failed', async () => {
    let calls = 0;
    const result = await slowStartBatch(100, async () => {
      if (++calls > 3) throw new Error(`call ${calls}`);
    });
    expect(calls).toBe(7);
    expect(result).toEqual({ successes: 3, error: new Error('call 4') });
  });
});
