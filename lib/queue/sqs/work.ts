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
  /** Aborts when the function is about to run out of time. */
  signal: AbortSignal;
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
 * its visibility timeout where even that could not be written down. What can never be worked on becomes a dead letter
 * at once.
 */
export async function workBatch(
  records: readonly SqsRecord[],
  options: WorkBatchOptions,
): Promise<SqsBatchResponse> {
  const { queue, log, signal } = options;
  const failed: SqsRecord[] = [];
  const tasks = new Map<string, Task>();

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
      await queue
        .bury(record.body, record.attributes?.MessageGroupId ?? 'malformed')
        .catch((cause: unknown) => {
          log.error({ messageId: record.messageId, err: cause }, 'the dead letter could not be written');
          failed.push(record);
        });
    }
  }

  async function work({ message, records: its }: Task): Promise<void> {
    const { item } = message;
    let result: WorkResult;
    try {
      result = await options.handle(item, signal);
    } catch (error) {
      result = { outcome: 'failed', error };
    }
    options.count?.(result.outcome, item);
    try {
      await settle(message, result, options, its[0]?.attributes?.MessageGroupId);
    } catch (error) {
      log.error({ ...item, err: error }, 'what comes next could not be written; the message comes back');
      failed.push(...its);
    }
  }

  const lanes = Map.groupBy(tasks.values(), ({ message }) => message.item.controller);
  await Promise.all(
    [...lanes].map(([controller, waiting]) => inLanes(waiting, options.concurrency(controller), work)),
  );
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

async function settle(
  message: WorkMessage,
  result: WorkResult,
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
      // Work that was cut short says nothing about the item.
      if (signal.aborted) {
        options.count?.('unfinished', item);
        return queue.put({ item, failures: message.failures });
      }
      const failures = message.failures + 1;
      if (failures < (options.maxTries ?? 15)) {
        options.count?.('retried', item);
        const delayMs = retryDelayMs(options.backoff ?? defaultRetryBackoff, failures, random);
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

/** Runs `work` over all of them, at most `width` at once. */
async function inLanes<T>(waiting: T[], width: number, work: (one: T) => Promise<void>): Promise<void> {
  const rest = [...waiting];
  const lane = async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: Math.min(Math.max(1, width), rest.length) }, lane));
}
