import { describe, expect, test } from 'vitest';
import { isKind } from '../../../lib/errors.ts';
import { defaultRetryBackoff, retryDelayMs } from '../../../lib/queue/backoff.ts';
import { createEmbeddedQueue, type DeadLetter } from '../../../lib/queue/embedded/index.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';

describe('retry delays', () => {
  test('double from 5 ms to 1000 s', () => {
    const delays = [1, 2, 3, 18, 19, 1000].map((failures) =>
      retryDelayMs(defaultRetryBackoff, failures, () => 0),
    );
    expect(delays).toEqual([5, 10, 20, 655_360, 1_000_000, 1_000_000]);
  });

  test('jitter takes away at most a fifth', () => {
    expect(retryDelayMs(defaultRetryBackoff, 3, () => 1)).toBe(16);
  });
});

describe('the embedded queue', () => {
  test('works on no more keys of one controller at once than it may, and each controller has its own share', async () => {
    const clock = createSteppedClock();
    const queue = createEmbeddedQueue({
      clock,
      concurrency: (controller) => (controller === 'namespace' ? 10 : 2),
    });
    const gate = Promise.withResolvers<void>();
    const started: Record<string, number> = {};
    const stop = new AbortController();
    for (let i = 0; i < 20; i++) {
      await queue.add({ controller: 'namespace', key: `${i}` });
      await queue.add({ controller: 'deployment', key: `${i}` });
    }
    const running = queue.run(async ({ controller }) => {
      started[controller] = (started[controller] ?? 0) + 1;
      await gate.promise;
      return { outcome: 'done' };
    }, stop.signal);
    await clock.step(0);
    expect(started).toEqual({ namespace: 10, deployment: 2 });
    expect(queue.size).toEqual({ waiting: 28, working: 12 });
    gate.resolve();
    await queue.idle();
    expect(started).toEqual({ namespace: 20, deployment: 20 });
    stop.abort();
    await running;
  });

  test('backs off 5 ms doubling, counts from new after a success, and gives up after the last try', async () => {
    const clock = createSteppedClock(0);
    const buried: DeadLetter[] = [];
    const queue = createEmbeddedQueue({
      clock,
      random: () => 0,
      maxTries: 4,
      onDeadLetter: (letter) => buried.push(letter),
    });
    const at: number[] = [];
    const stop = new AbortController();
    const running = queue.run(async () => {
      at.push(clock.now());
      return { outcome: 'failed', error: new Error(`try ${at.length}`) };
    }, stop.signal);
    await queue.add({ controller: 'c', key: 'k' });
    await clock.step(60_000);
    expect(at).toEqual([0, 5, 15, 35]);
    expect(buried).toMatchObject([{ item: { controller: 'c', key: 'k' }, tries: 4, atMs: 35 }]);
    expect(queue.size).toEqual({ waiting: 0, working: 0 });
    stop.abort();
    await running;
    expect(clock.sleepers).toBe(0);
  });

  test('refuses more items than it may hold, and takes those it holds already', async () => {
    const queue = createEmbeddedQueue({ clock: createSteppedClock(), maxItems: 2 });
    await queue.add({ controller: 'c', key: '1' });
    await queue.add({ controller: 'c', key: '2' });
    await queue.add({ controller: 'c', key: '2' });
    const refused = await queue.add({ controller: 'c', key: '3' }).catch((error: unknown) => error);
    expect(isKind(refused, 'TooManyRequests')).toBe(true);
  });

  test('work cut short by a stop is not a failure: it is the first thing that the next run does', async () => {
    const clock = createSteppedClock();
    const queue = createEmbeddedQueue({ clock, maxTries: 1 });
    const stop = new AbortController();
    const running = queue.run(
      (_, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      stop.signal,
    );
    await queue.add({ controller: 'c', key: 'k' });
    await clock.step(0);
    stop.abort(new Error('stopping'));
    await running;
    expect(queue.deadLetters()).toEqual([]);
    const again = new AbortController();
    const keys: string[] = [];
    const second = queue.run(async ({ key }) => {
      keys.push(key);
      return { outcome: 'done' };
    }, again.signal);
    await queue.idle();
    again.abort();
    await second;
    expect(keys).toEqual(['k']);
  });

  test('a hook that throws ends the run with its error, and is not swallowed', async () => {
    const clock = createSteppedClock();
    const queue = createEmbeddedQueue({
      clock,
      maxTries: 1,
      onDeadLetter: () => {
        throw new Error('no room for letters');
      },
    });
    await queue.add({ controller: 'c', key: 'k' });
    const running = queue.run(
      async () => ({ outcome: 'failed', error: new Error('poison') }),
      new AbortController().signal,
    );
    await expect(running).rejects.toThrow('no room for letters');
  });
});
