import { type Clock, pause } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { parseMessage } from './message.ts';
import type { SqsQueue } from './queue.ts';
import type { SqsBatchResponse, SqsRecord } from './records.ts';

export interface ForwardOptions {
  queue: SqsQueue;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  /** Told of each message that cannot be read. */
  onMalformed?: () => void;
}

/** SQS delays by whole seconds: what is due sooner than that is waited for. */
const soonMs = 1_000;

/**
 * Puts delayed items into their work queue now that they are due; what is due later than SQS can delay waits again.
 * Malformed messages become dead letters.
 */
export async function forwardDelayed(
  records: readonly SqsRecord[],
  options: ForwardOptions,
): Promise<SqsBatchResponse> {
  const failed: string[] = [];
  const forwardOne = async (record: SqsRecord) => {
    try {
      await forward(record, options);
    } catch (error) {
      options.log.error({ messageId: record.messageId, err: error }, 'not forwarded; the message comes back');
      failed.push(record.messageId);
    }
  };
  await Promise.all(records.map(forwardOne));
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

async function forward({ messageId, body }: SqsRecord, options: ForwardOptions): Promise<void> {
  const { queue, clock, log, signal } = options;
  let message: ReturnType<typeof parseMessage>;
  try {
    message = parseMessage(body);
  } catch (error) {
    options.onMalformed?.();
    log.error({ messageId, reason: messageOf(error) }, 'malformed message: a dead letter');
    return queue.bury(body, 'malformed');
  }
  const delayed = { ...message, dueAtMs: 'dueAtMs' in message ? message.dueAtMs : 0 };
  const waitMs = delayed.dueAtMs - clock.now();
  if (waitMs > soonMs) return queue.later(delayed);
  if (waitMs > 0) await pause(clock, waitMs, signal);
  await queue.due(delayed);
}
