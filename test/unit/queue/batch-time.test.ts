/** What becomes of a batch of the work queue when the function's time is over. */
import { expect, test } from 'vitest';
import { silentLogger } from '../../../lib/log.ts';
import type { WorkItem, WorkResult } from '../../../lib/queue/port.ts';
import {
  createSqsQueue,
  formatMessage,
  parseMessage,
  type SqsBatchResponse,
  type SqsCalls,
  workBatch,
} from '../../../lib/queue/sqs/index.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';

const item = (key: string, controller = 'namespace'): WorkItem => ({ controller, key });
const record = (key: string, failures = 0) => ({
  messageId: key,
  body: formatMessage({ item: item(key), failures }),
  attributes: { MessageGroupId: key },
});

/** A batch of keys on queues that keep what is sent to them, in a function whose time a test ends. */
function batch(
  records: ReturnType<typeof record>[],
  handle: (item: WorkItem, signal: AbortSignal) => Promise<WorkResult>,
  send?: SqsCalls['send'],
) {
  const clock = createSteppedClock();
  const time = new AbortController();
  const sent: { queue: string; key: string; failures: number }[] = [];
  const calls: SqsCalls = {
    send:
      send ??
      (async (queue, messages) => {
        for (const { body } of messages) {
          const { item: its, failures } = parseMessage(body);
          sent.push({ queue, key: its.key, failures });
        }
      }),
  };
  const queue = createSqsQueue({
    calls,
    clock,
    queueUrl: () => 'work',
    delayQueueUrl: 'delays',
    deadLetterQueueUrl: 'dead',
    isSerial: () => false,
  });
  let response: SqsBatchResponse | undefined;
  const finished = workBatch(records, {
    queue,
    handle,
    signal: time.signal,
    clock,
    log: silentLogger,
    random: () => 0,
    concurrency: () => 1,
    maxTries: 3,
  }).then((answer) => {
    response = answer;
  });
  const end = () => time.abort(new Error('the function is about to run out of time'));
  return { clock, sent, end, finished, answer: () => response };
}

const never = () => new Promise<never>(() => undefined);

test('a reconcile that hears nothing is left behind, and its key comes again after the others', async () => {
  const started: string[] = [];
  const { clock, sent, end, finished, answer } = batch([record('deaf'), record('waiting')], ({ key }) => {
    started.push(key);
    return never();
  });
  await clock.step(57_000);
  expect({ started, answer: answer() }).toEqual({ started: ['deaf'], answer: undefined });
  end();
  await finished;
  expect(answer()).toEqual({ batchItemFailures: [] });
  expect(started).toEqual(['deaf']);
  expect(sent).toEqual([
    { queue: 'delays', key: 'deaf', failures: 1 },
    { queue: 'work', key: 'waiting', failures: 0 },
  ]);
  expect(clock.sleepers).toBe(0);
});

test('a key that is cut short again and again backs off, and is never given up', async () => {
  const { sent, end, finished } = batch([record('large', 2)], never);
  end();
  await finished;
  expect(sent.map(({ key, failures }) => [key, failures])).toEqual([['large', 2]]);
});

test('what was done before the end is done', async () => {
  const { sent, end, finished, answer, clock } = batch([record('quick'), record('deaf')], ({ key }) =>
    key === 'quick' ? Promise.resolve({ outcome: 'done' }) : never(),
  );
  await clock.step(1);
  end();
  await finished;
  expect(sent.map(({ key }) => key)).toEqual(['deaf']);
  expect(answer()).toEqual({ batchItemFailures: [] });
});

test('when not even that can be written down, the batch is answered in time with what failed', async () => {
  const { clock, end, finished, answer } = batch(
    [record('quick'), record('deaf')],
    ({ key }) => (key === 'quick' ? Promise.resolve({ outcome: 'done' }) : never()),
    never,
  );
  await clock.step(57_000);
  end();
  await clock.step(0);
  await clock.step(1_499);
  expect(answer()).toBeUndefined();
  await clock.step(1);
  await finished;
  expect(answer()).toEqual({ batchItemFailures: [{ itemIdentifier: 'deaf' }] });
});
