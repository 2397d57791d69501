import type { NoticeListener } from '../client/notices.ts';
import { backoffMs } from '../client/backoff.ts';
import { type Clock, pause } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { parseNotices } from './message.ts';
import { absentMs } from './names.ts';

/** Our slice of SQS, as the reader of one queue needs it. */
export interface QueueReaderCalls {
  /** Waits for the first message as long as SQS waits (20 s). @throws QueueGone */
  receive(queueUrl: string, signal: AbortSignal): Promise<ReceivedMessage[]>;
  /** Resolves whether or not all could be deleted: what stays comes again, and says nothing new. */
  remove(queueUrl: string, messages: readonly ReceivedMessage[]): Promise<void>;
}

export interface ReceivedMessage {
  body: string;
  receipt: string;
}

/** There is no such queue (any more). */
export class QueueGone extends Error {}

export interface FollowOptions {
  calls: QueueReaderCalls;
  /** The queue's URL, as soon as there is one. */
  find: () => Promise<string | undefined>;
  listener: NoticeListener;
  clock: Clock;
  random: () => number;
  log: Logger;
}

/** How often the queue is looked for; each time everything is listed, so that a node works before it has one. */
const search = { baseMs: 2_000, maxMs: 30_000 };
/** How long a batch of changes may be on its way to the queues. */
const sendingMs = 3_000;
const retry = { baseMs: 200, maxMs: 30_000 };

/**
 * Passes on what a node's queue says, until the signal aborts. What is passed on is in nobody's memory but the listener's:
 * whoever starts again lists first. Each time the queue is found, or said what cannot be read, the listener is told that
 * notices may have been lost.
 */
export async function followQueue(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { find, listener, clock, random, log } = options;
  for (let attempt = 0; !signal.aborted; attempt++) {
    let url: string | undefined;
    try {
      url = await find();
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'the queue of changes cannot be looked for');
    }
    listener.interrupted();
    if (url) {
      // Whoever sends may not know yet that there is a queue.
      const listedAgain = pause(clock, absentMs + sendingMs, signal).then(() => {
        if (!signal.aborted) listener.interrupted();
      });
      log.info({ queue: url.slice(url.lastIndexOf('/') + 1) }, 'hears of changes through its queue');
      await readQueue(url, options, signal);
      await listedAgain;
      attempt = 0;
    }
    if (!signal.aborted) await pause(clock, backoffMs(attempt, { ...search, random }), signal);
  }
}

/** Until the queue is gone, or the signal aborts. */
async function readQueue(
  url: string,
  { calls, listener, clock, random, log }: FollowOptions,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const messages = await calls.receive(url, signal);
      for (const { body } of messages) pass(body, listener, log);
      if (messages.length > 0) await calls.remove(url, messages);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof QueueGone) {
        log.warn({}, 'the queue of changes is gone');
        return;
      }
      log.warn({ err: messageOf(error) }, 'the queue of changes cannot be read');
      await pause(clock, backoffMs(failures++, { ...retry, random }), signal);
    }
  }
}

function pass(body: string, listener: NoticeListener, log: Logger): void {
  try {
    for (const notice of parseNotices(body)) listener.notice(notice);
  } catch (error) {
    log.error({ err: messageOf(error) }, 'malformed message: everything is listed instead');
    listener.interrupted();
  }
}
