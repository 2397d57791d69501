import { describe, expect, test } from 'vitest';
import { lambdaHandler } from '../../../functions/lambda/invocation.ts';
import { readSettings } from '../../../functions/lambda/settings.ts';
import { Warm } from '../../../functions/lambda/warm.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createEmbeddedMetrics } from '../../../lib/metrics/emf.ts';

const context = (awsRequestId: string, remainingMs = 60_000) => ({
  awsRequestId,
  functionName: 'f',
  getRemainingTimeInMillis: () => remainingMs,
});

describe('an invocation', () => {
  test('does not leak into the next one', async () => {
    const seen: string[] = [];
    const handler = lambdaHandler<string, string[]>({
      name: 'test',
      settings: { cluster: 'Kumulus' },
      log: silentLogger,
      async run(event, { requestId, metrics }) {
        metrics.count(event);
        seen.push(requestId);
        return metrics.drain(0).map((line) => JSON.stringify(Object.keys(JSON.parse(line) as object)));
      },
    });
    const [one, two] = await Promise.all([handler('One', context('a')), handler('Two', context('b'))]);
    expect(seen).toEqual(['a', 'b']);
    expect(one?.join()).toContain('One');
    expect(one?.join()).not.toContain('Two');
    expect(two?.join()).not.toContain('One');
  });

  test('is told to stop before its time is over', async () => {
    const handler = lambdaHandler<undefined, boolean>({
      name: 'test',
      settings: { cluster: 'Kumulus' },
      log: silentLogger,
      run: (_event, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(true), { once: true })),
    });
    expect(await handler(undefined, context('a', 3_010))).toBe(true);
  });

  test('that fails is a failure to Lambda too', async () => {
    const handler = lambdaHandler<undefined, void>({
      name: 'test',
      settings: { cluster: 'Kumulus' },
      log: silentLogger,
      run: () => Promise.reject(new Error('no')),
    });
    await expect(handler(undefined, context('a'))).rejects.toThrow('no');
  });
});

describe('warm state', () => {
  test('is made once, also for invocations that come while it is made', async () => {
    let made = 0;
    const warm = new Warm(async () => ++made);
    expect(await Promise.all([warm.get(), warm.get()])).toEqual([1, 1]);
    expect(await warm.get()).toBe(1);
  });

  test('is made again after it could not be made', async () => {
    let tries = 0;
    const warm = new Warm(async () => {
      if (++tries === 1) throw new Error('throttled');
      return tries;
    });
    await expect(warm.get()).rejects.toThrow('throttled');
    expect(await warm.get()).toBe(2);
  });
});

test('embedded metrics are what alarms read, in CloudWatch’s format; all else are fields of the same document', () => {
  const metrics = createEmbeddedMetrics(
    'Kumulus',
    { cluster: 'c' },
    { requestId: 'r' },
    { 'Reconcile.deadLetter': 'DeadLetters' },
  );
  metrics.count('Items', 2);
  metrics.count('Items');
  metrics.timeMs('Duration', 12.345);
  metrics.count('Reconcile.done', 1, { controller: 'job' });
  expect(metrics.drain(7).map((line) => JSON.parse(line) as unknown)).toEqual([
    { time: 7, requestId: 'r', cluster: 'c', Items: 3, Duration: [12.3], 'Reconcile.done': { job: 1 } },
  ]);
  metrics.count('Reconcile.deadLetter', 1, { controller: 'job' });
  metrics.count('Reconcile.deadLetter', 1, { controller: 'deployment' });
  expect(metrics.drain(8).map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      _aws: {
        Timestamp: 8,
        CloudWatchMetrics: [
          {
            Namespace: 'Kumulus',
            Dimensions: [['cluster']],
            Metrics: [{ Name: 'DeadLetters', Unit: 'Count' }],
          },
        ],
      },
      time: 8,
      requestId: 'r',
      cluster: 'c',
      'Reconcile.deadLetter': { job: 1, deployment: 1 },
      DeadLetters: 2,
    },
  ]);
  expect(metrics.drain(9)).toEqual([]);
});

describe('settings', () => {
  test('that are missing or wrong are named', () => {
    expect(() => readSettings({})).toThrow('KUMULUS_CLUSTER: Required value');
    expect(() => readSettings({ KUMULUS_LOG_LEVEL: 'loud' })).toThrow(
      'KUMULUS_LOG_LEVEL: Unsupported value: "loud"',
    );
  });
});
