/** A request's way into its priority level and out again. */
import type { Clock } from '../../../../lib/clock.ts';
import type { Rejection, Ticket, Work } from './queue-set.ts';
import type { Schema } from './state.ts';

export type Admission = { ticket: Ticket } | { rejected: Rejection | 'time-out' };

/** Resolves when the request may go, or must go away. Most resolve without waiting. */
export function admit(
  schema: Schema,
  work: Work,
  hand: readonly number[],
  wait: { clock: Clock; signal: AbortSignal; limitMs: number },
): Admission | Promise<Admission> {
  const { level, stats } = schema;
  const now = wait.clock.now();
  let grant: (() => void) | undefined;
  const started = level.queues.start(stats, work, hand, now, () => grant?.());
  if (typeof started === 'string') {
    stats.rejected[started]++;
    return { rejected: started };
  }
  stats.seats.observe(started.seats);
  noteDemand(schema, now);
  if (started.queue) {
    const left = started.state === 'executing' ? 1 : 0;
    stats.queueLength.observe(started.queue.waiting.length + left);
  }
  if (started.state === 'executing') {
    if (!level.isExempt) stats.waited.observe(0);
    begin(schema, started);
    return { ticket: started };
  }
  stats.waiting++;
  stats.seatsWaiting += started.seats;
  const granted = new Promise<void>((resolve) => {
    grant = resolve;
  });
  return waitFor(schema, started, granted, now, wait);
}

async function waitFor(
  schema: Schema,
  ticket: Ticket,
  granted: Promise<void>,
  since: number,
  { clock, signal, limitMs }: { clock: Clock; signal: AbortSignal; limitMs: number },
): Promise<Admission> {
  const { level, stats } = schema;
  const ended = new AbortController();
  const stop = () => ended.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) stop();
    const isOver = clock.sleep(limitMs, ended.signal).then(
      () => undefined,
      () => undefined,
    );
    await Promise.race([granted, isOver]);
  } finally {
    signal.removeEventListener('abort', stop);
    ended.abort();
  }
  const now = clock.now();
  const waitedSeconds = (now - since) / 1000;
  stats.waiting--;
  stats.seatsWaiting -= ticket.seats;
  // A request that was let in and whose client is gone is finished by whoever works on it.
  if (level.queues.cancel(ticket, now)) {
    stats.rejected['time-out']++;
    stats.waitedInVain.observe(waitedSeconds);
    noteDemand(schema, now);
    return { rejected: 'time-out' };
  }
  stats.waited.observe(waitedSeconds);
  begin(schema, ticket);
  return { ticket };
}

function begin({ stats }: Schema, ticket: Ticket): void {
  stats.dispatched++;
  stats.executing++;
  stats.seatsExecuting += ticket.seats;
}

/** The request has been answered. `isWatch`: it has only begun. */
export function leave(schema: Schema, ticket: Ticket, now: number, isWatch: boolean): void {
  const { stats, level } = schema;
  stats.executing--;
  stats.seatsExecuting -= ticket.seats;
  (isWatch ? stats.watchInitialized : stats.executed).observe((now - ticket.startedAt) / 1000);
  level.queues.finish(ticket, now);
  noteDemand(schema, now);
}

function noteDemand({ level }: Schema, now: number): void {
  level.demand.set(level.queues.seatsInUse + level.queues.seatsWaiting, now);
}
