import { describe, expect, test } from 'vitest';
import type { WorkItem, WorkQueue, WorkResult } from '../../../lib/queue/port.ts';
import fc from '../../support/property.ts';
import { eventually } from '../../support/wait.ts';

/** One queue under test, with what the port leaves to the adapter: who consumes, and where dead letters are seen. */
export interface QueueUnderTest {
  queue: WorkQueue;
  /** Hands items out until what it returns is called; that resolves once nothing is being worked on. */
  consume(handler: (item: WorkItem) => Promise<WorkResult>): () => Promise<void>;
  deadLetters(): Promise<WorkItem[]>;
  /** Lets that much of the queue's time pass. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

export interface QueueHarness {
  name: string;
  open(): Promise<QueueUnderTest>;
  /** The longest that `maxTries` failures in a row may take of the queue's time. */
  allTriesMs: number;
}

const item = (key: string, controller = 'deployment'): WorkItem => ({ controller, key });
const done: WorkResult = { outcome: 'done' };

/** What `lib/queue/port.ts` promises, for every adapter. */
export function describeQueue(harness: QueueHarness): void {
  async function withQueue(body: (under: QueueUnderTest) => Promise<void>): Promise<void> {
    const under = await harness.open();
    try {
      await body(under);
    } finally {
      await under.close();
    }
  }

  describe(`work queue: ${harness.name}`, () => {
    test('hands out what was added, before or after the consumer came', () =>
      withQueue(async ({ queue, consume }) => {
        const seen: string[] = [];
        await queue.add(item('default/before'));
        const stop = consume(async ({ controller, key }) => {
          seen.push(`${controller} ${key}`);
          return done;
        });
        await queue.add(item('default/after', 'replicaset'));
        await eventually('both handed out', () => seen.length === 2);
        await stop();
        expect(seen.sort()).toEqual(['deployment default/before', 'replicaset default/after']);
      }));

    test('an item added again while it waits is handed out once', () =>
      withQueue(async ({ queue, consume }) => {
        for (let i = 0; i < 5; i++) await queue.add(item('default/web'));
        await queue.add(item('default/last'));
        const seen: string[] = [];
        const stop = consume(async ({ key }) => {
          seen.push(key);
          return done;
        });
        await eventually('the last handed out', () => seen.includes('default/last'));
        await stop();
        expect(seen.filter((key) => key === 'default/web')).toHaveLength(1);
      }));

    test('an item added while its key is worked on is handed out again afterwards, never at the same time', () =>
      withQueue(async ({ queue, consume }) => {
        const gate = Promise.withResolvers<void>();
        let atOnce = 0;
        let most = 0;
        let times = 0;
        const stop = consume(async () => {
          times++;
          most = Math.max(most, ++atOnce);
          if (times === 1) await gate.promise;
          atOnce--;
          return done;
        });
        await queue.add(item('default/web'));
        await eventually('the first is being worked on', () => times === 1);
        await queue.add(item('default/web'));
        await queue.add(item('default/web'));
        gate.resolve();
        await eventually('the second was handed out', () => times === 2);
        await stop();
        expect({ times, most }).toEqual({ times: 2, most: 1 });
      }));

    test('a slow key holds up no other', () =>
      withQueue(async ({ queue, consume }) => {
        const gate = Promise.withResolvers<void>();
        const finished: string[] = [];
        const stop = consume(async ({ key }) => {
          if (key === 'default/slow') await gate.promise;
          finished.push(key);
          return done;
        });
        await queue.add(item('default/slow'));
        await queue.add(item('default/fast'));
        await eventually('the other finished', () => finished.includes('default/fast'));
        expect(finished).toEqual(['default/fast']);
        gate.resolve();
        await stop();
      }));

    test('a delayed item is handed out when its time has come, and an earlier add brings it forward', () =>
      withQueue(async ({ queue, consume, advance }) => {
        const seen: string[] = [];
        const stop = consume(async ({ key }) => {
          seen.push(key);
          return done;
        });
        await queue.add(item('default/late'), { delayMs: 3_000 });
        await queue.add(item('default/forward'), { delayMs: 600_000 });
        await queue.add(item('default/forward'));
        await eventually('the one brought forward', () => seen.includes('default/forward'));
        expect(seen).not.toContain('default/late');
        await advance(3_000);
        await eventually('the late one', () => seen.includes('default/late'));
        await stop();
        expect(seen).toEqual(['default/forward', 'default/late']);
      }));

    test('requeueAfter hands the item out again after that time', () =>
      withQueue(async ({ queue, consume, advance }) => {
        let times = 0;
        const stop = consume(async () =>
          ++times === 1 ? { outcome: 'requeueAfter', delayMs: 2_000 } : done,
        );
        await queue.add(item('default/web'));
        await eventually('the first time', () => times === 1);
        await advance(2_000);
        await eventually('the second time', () => times === 2);
        await stop();
        expect(times).toBe(2);
      }));

    test('a failed item is tried again until it succeeds, and others go on meanwhile', () =>
      withQueue(async ({ queue, consume, advance, deadLetters }) => {
        let failures = 0;
        const finished: string[] = [];
        const stop = consume(async ({ key }) => {
          if (key === 'default/poor' && ++failures < 3) return { outcome: 'failed', error: new Error('no') };
          finished.push(key);
          return done;
        });
        await queue.add(item('default/poor'));
        await queue.add(item('default/rich'));
        await eventually('the other', () => finished.includes('default/rich'));
        await eventually('it succeeds', async () => {
          await advance(100);
          return finished.includes('default/poor');
        });
        await stop();
        expect(failures).toBe(3);
        expect(await deadLetters()).toEqual([]);
      }));

    test('an item that never succeeds ends as a dead letter, and lives again when it is added', () =>
      withQueue(async ({ queue, consume, advance, deadLetters }) => {
        let tries = 0;
        let poisoned = true;
        const stop = consume(async () => {
          tries++;
          return poisoned ? { outcome: 'failed', error: new Error('poison') } : done;
        });
        await queue.add(item('default/poison'));
        await eventually('a dead letter', async () => {
          await advance(harness.allTriesMs / 10);
          return (await deadLetters()).length > 0;
        });
        expect(await deadLetters()).toEqual([item('default/poison')]);
        const triesThen = tries;
        await advance(harness.allTriesMs);
        expect(tries).toBe(triesThen);
        poisoned = false;
        await queue.add(item('default/poison'));
        await eventually('it is handed out again', () => tries === triesThen + 1);
        await stop();
      }));

    test('stopping waits for what is being worked on, and what waits is handed out to the next consumer', () =>
      withQueue(async ({ queue, consume }) => {
        const gate = Promise.withResolvers<void>();
        let started = false;
        let finished = false;
        const stop = consume(async () => {
          started = true;
          await gate.promise;
          finished = true;
          return done;
        });
        await queue.add(item('default/web'));
        await eventually('it is being worked on', () => started);
        const stopped = stop();
        await queue.add(item('default/next'));
        expect(finished).toBe(false);
        gate.resolve();
        await stopped;
        expect(finished).toBe(true);
        const seen: string[] = [];
        const stopAgain = consume(async ({ key }) => {
          seen.push(key);
          return done;
        });
        await eventually('the next one', () => seen.includes('default/next'));
        await stopAgain();
      }));

    test('whatever is added, every key is worked on after its last add, and never twice at once', () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({ key: fc.integer({ min: 0, max: 4 }), pause: fc.boolean(), fails: fc.boolean() }),
            {
              minLength: 1,
              maxLength: 40,
            },
          ),
          (adds) =>
            withQueue(async ({ queue, consume, advance }) => {
              const version = new Map<string, number>();
              const workedOn = new Map<string, number>();
              const working = new Set<string>();
              const overlaps: string[] = [];
              let failing = Math.min(10, adds.filter((add) => add.fails).length);
              const stop = consume(async ({ key }) => {
                if (working.has(key)) overlaps.push(key);
                working.add(key);
                const read = version.get(key) ?? 0;
                await Promise.resolve();
                await Promise.resolve();
                working.delete(key);
                if (failing > 0) {
                  failing--;
                  return { outcome: 'failed', error: new Error('no') };
                }
                workedOn.set(key, read);
                return done;
              });
              for (const add of adds) {
                const key = `default/${add.key}`;
                version.set(key, (version.get(key) ?? 0) + 1);
                await queue.add(item(key));
                if (add.pause) await Promise.resolve();
              }
              await eventually(
                'every key is up to date',
                async () => {
                  await advance(harness.allTriesMs / 10);
                  return [...version].every(([key, last]) => workedOn.get(key) === last);
                },
                { everyMs: 1 },
              );
              await stop();
              expect(overlaps).toEqual([]);
            }),
        ),
        { numRuns: 50 },
      ));
  });
}
