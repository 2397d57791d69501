import type { Clock } from '../../clock.ts';
import type { WorkItem, WorkQueue } from '../port.ts';
import type { OutgoingMessage, SqsCalls } from './calls.ts';
import { type DelayedMessage, digest, formatMessage, groupOf, type WorkMessage } from './message.ts';

export interface SqsQueueOptions {
  calls: SqsCalls;
  clock: Clock;
  /** The FIFO queue that a controller's items wait in. */
  queueUrl: (controller: string) => string;
  /** The standard queue that delayed items wait in, until `forwardDelayed` puts them into the FIFO queue. */
  delayQueueUrl: string;
  deadLetterQueueUrl: string;
  /** Whether a controller works on one key at a time. */
  isSerial: (controller: string) => boolean;
}

/**
 * Work queues on SQS. The message group is the key, so that SQS itself never hands a key out twice at once, across all
 * Lambda instances; FIFO queues know no delay of a single message, which therefore waits in a standard queue first.
 *
 * A key that is added several times waits several times. Whoever hands out batches reconciles a key once for all of a
 * batch (`workBatch`), and delays that come due at the same moment become one message again: so a key that asks to be
 * looked at later, again and again, has few messages under way however often it changes.
 */
export interface SqsQueue extends WorkQueue {
  /**
   * Adds many at once. `cause` names what they follow from (a change's revision): given again with the same cause within
   * five minutes an item is not added twice.
   */
  addAll(items: readonly { item: WorkItem; cause?: string }[]): Promise<void>;
  put(message: WorkMessage, options?: { delayMs?: number }): Promise<void>;
  /** Lets a delayed item wait on. */
  later(message: DelayedMessage): Promise<void>;
  /** Puts a delayed item whose time has come into its work queue. */
  due(message: DelayedMessage): Promise<void>;
  /** Puts an item where it stays until somebody redrives it. `body` is what SQS held. */
  bury(body: string, groupId: string): Promise<void>;
}

/** A shorter backoff is not worth the way through the delay queue, which counts in seconds. */
const shortestBackoffMs = 500;
/** SQS delays a message for fifteen minutes at most; what is due later is delayed again. */
const longestDelayMs = 900_000;

export function createSqsQueue(options: SqsQueueOptions): SqsQueue {
  const { calls, clock, queueUrl, delayQueueUrl, deadLetterQueueUrl, isSerial } = options;

  function outgoing(
    message: WorkMessage,
    deduplicationId?: string,
    serial = isSerial(message.item.controller),
  ): OutgoingMessage {
    const groupId = groupOf(message.item, serial);
    return { body: formatMessage(message), groupId, deduplicationId };
  }

  async function put(message: WorkMessage, { delayMs = 0 } = {}): Promise<void> {
    const { item, failures } = message;
    if (delayMs <= 0 || (failures > 0 && delayMs < shortestBackoffMs)) {
      return calls.send(queueUrl(item.controller), [outgoing({ item, failures })]);
    }
    const dueAtMs = onGrid(clock.now() + delayMs, delayMs);
    await later({ item, failures, dueAtMs, serial: isSerial(item.controller) });
  }

  async function later(message: DelayedMessage): Promise<void> {
    // Rounded down: what comes too early waits for the rest of its second where it is forwarded.
    const delaySeconds = Math.floor(
      Math.min(longestDelayMs, Math.max(0, message.dueAtMs - clock.now())) / 1000,
    );
    await calls.send(delayQueueUrl, [{ body: formatMessage(message), delaySeconds }]);
  }

  return {
    put,
    later,
    due({ item, failures, dueAtMs, serial }) {
      // What came due at one moment is one message: whichever is handed out first, it is not before that moment.
      const id = digest(`due\n${item.controller}\n${item.key}\n${failures}\n${dueAtMs}`);
      return calls.send(queueUrl(item.controller), [outgoing({ item, failures }, id, serial)]);
    },
    add: (item, { delayMs } = {}) => put({ item, failures: 0 }, { delayMs }),
    async addAll(items) {
      const byQueue = Map.groupBy(items, ({ item }) => queueUrl(item.controller));
      for (const [url, some] of byQueue) {
        await calls.send(
          url,
          some.map(({ item, cause }) =>
            outgoing(
              { item, failures: 0 },
              cause === undefined ? undefined : digest(`cause\n${item.controller}\n${item.key}\n${cause}`),
            ),
          ),
        );
      }
    },
    bury: (body, groupId) => calls.send(deadLetterQueueUrl, [{ body, groupId }]),
  };
}

/** Rounded up, by at most an eighth of the delay, so that what is due at about the same time is due at the same time. */
function onGrid(dueAtMs: number, delayMs: number): number {
  const gridMs = Math.max(1, Math.floor(delayMs / 8_000)) * 1_000;
  return Math.ceil(dueAtMs / gridMs) * gridMs;
}
