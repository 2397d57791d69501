import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { defaultRetryBackoff, type RetryBackoff, retryDelayMs } from '../backoff.ts';
import type { WorkItem, WorkResult } from '../port.ts';
import { formatMessage, groupOf, parseMessage, type WorkMessage } from './message.ts';
import type { SqsQueue } from './queue.ts';
import type { SqsBatchResponse, SqsRecord } from './records.ts';

export interface WorkBatchOptions {
  queue: SqsQueue;
  handle: (item: WorkItem, signal: AbortSignal) => Promise<WorkResult>;
  /** Aborts when the function is about to run out of time: what is being worked on then is waited for no longer. */
  signal: AbortSignal;
  /** What is left then to write down what is unfinished, before the batch is answered without. Default 1.5 s. */
  reportWithinMs?: number;
  clock: Clock;
  log: Logger;
  /** 0 to 1, as Math.random. */
  random: () => number;
  /** How many keys of one controller are worked on at once in this process. */
  concurrency: (controller: string) => number;
  backoff?: RetryBackoff;
  /** Failures in a row after which an item becomes a dead letter. Default 15. */
  maxTries?: number;
  count?: (what: WorkCount, item: WorkItem) => void;
}

export type WorkCount = WorkResult['outcome'] | 'retried' | 'deadLetter' | 'unfinished' | 'malformed';

/** How long what was cut short leaves the function to others, at least. */
const makeWayMs = 1_000;

/** What a message that cannot be read is counted under. */
const unreadable: WorkItem = { controller: 'unknown', key: '' };

/** One key of a batch with every message that asked for it. */
interface Task {
  message: WorkMessage;
  records: SqsRecord[];
}

/**
 * Works on one batch of the work queue. A key that came several times is worked on once. What failed goes back through
 * the delay queue with its number of failures, and after the last try to the dead letters; a message is only left to
 * its visibility timeout where even that could not be written down in time. What can never be worked on becomes a dead letter
 * at once.
 */
export async function workBatch(
  records: readonly SqsRecord[],
  options: WorkBatchOptions,
): Promise<SqsBatchResponse> {
  const { queue, log, signal, clock } = options;
  const failed: SqsRecord[] = [];
  const tasks = new Map<string, Task>();

  const over = new AbortController();
  const stopped = aborted(signal, over.signal);
  // Only a batch that was told to stop has an end; it rejects, and is heard only where something is still waited for.
  const late = stopped.then(async () => {
    await clock.sleep(options.reportWithinMs ?? 1_500, over.signal);
    throw new Error('there was no time left to write down what is unfinished');
  });
  late.catch(() => undefined);
  const cutShort = stopped.then((): WorkResult => ({ outcome: 'failed', error: signal.reason }));

  for (const record of records) {
    try {
      const message = parseMessage(record.body);
      const id = `${message.item.controller}\n${message.item.key}`;
      const task = tasks.get(id);
      if (!task) tasks.set(id, { message, records: [record] });
      else {
        task.records.push(record);
        task.message = { ...message, failures: Math.max(task.message.failures, message.failures) };
      }
    } catch (error) {
      options.count?.('malformed', unreadable);
      log.error(
        { messageId: record.messageId, reason: messageOf(error) },
        'malformed message: a dead letter',
      );
      const group = record.attributes?.MessageGroupId ?? 'malformed';
      await Promise.race([queue.bury(record.body, group), late]).catch((cause: unknown) => {
        log.error({ messageId: record.messageId, err: cause }, 'the dead letter could not be written');
        failed.push(record);
      });
    }
  }

  async function work({ message, records: its }: Task): Promise<void> {
    const { item } = message;
    const isBegun = !signal.aborted;
    let result: WorkResult;
    try {
      result = await (isBegun ? Promise.race([options.handle(item, signal), cutShort]) : cutShort);
    } catch (error) {
      result = { outcome: 'failed', error };
    }
    options.count?.(result.outcome, item);
    try {
      const group = its[0]?.attributes?.MessageGroupId;
      await Promise.race([settle(message, result, isBegun, options, group), late]);
    } catch (error) {
      log.error({ ...item, err: error }, 'what comes next could not be written; the message comes back');
      failed.push(...its);
    }
  }

  const lanes = Map.groupBy(tasks.values(), ({ message }) => message.item.controller);
  try {
    await Promise.all(
      [...lanes].map(([controller, waiting]) => inLanes(waiting, options.concurrency(controller), work)),
    );
  } finally {
    over.abort(new Error('the batch is done'));
  }
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

async function settle(
  message: WorkMessage,
  result: WorkResult,
  isBegun: boolean,
  options: WorkBatchOptions,
  group: string | undefined,
): Promise<void> {
  const { queue, log, signal, random } = options;
  const { item } = message;
  switch (result.outcome) {
    case 'done':
      return;
    case 'requeueAfter':
      return queue.put({ item, failures: 0 }, { delayMs: result.delayMs });
    case 'failed': {
      const maxTries = options.maxTries ?? 15;
      const failures = message.failures + 1;
      const delayMs = retryDelayMs(options.backoff ?? defaultRetryBackoff, failures, random);
      if (signal.aborted) {
        options.count?.('unfinished', item);
        // Its turn never came.
        if (!isBegun) return queue.put({ item, failures: message.failures });
        // What was cut short may be done by and by, or be what takes all the time: it makes way, and is never given up.
        return queue.put(
          { item, failures: Math.min(failures, maxTries - 1) },
          { delayMs: Math.max(makeWayMs, delayMs) },
        );
      }
      if (failures < maxTries) {
        options.count?.('retried', item);
        return queue.put({ item, failures }, { delayMs });
      }
      options.count?.('deadLetter', item);
      const error = messageOf(result.error);
      log.error({ ...item, tries: failures, err: error }, 'given up until the next change or resync');
      // In its own group, in which it may be redriven.
      return queue.bury(formatMessage({ item, failures: 0, error }), group ?? groupOf(item, false));
    }
  }
}

/** Resolves once `signal` aborted; never when `unless` did before. */
function aborted(signal: AbortSignal, unless: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true, signal: unless });
  });
}

/** Runs `work` over all of them, at most `width` at once. */
async function inLanes<T>(waiting: T[], width: number, work: (one: T) => Promise<void>): Promise<void> {
  const rest = [...waiting];
  const lane = async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: Math.min(Math.max(1, width), rest.length) }, lane));
}
