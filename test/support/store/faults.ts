import type { DynamoCalls } from '../../../lib/store/dynamodb/index.ts';

/** What a client that was crashed says to every call from then on. */
export class Crashed extends Error {
  override readonly name = 'Crashed';
}

export interface FaultOptions {
  /** Between 0 and 1, from the schedule's seed. */
  random: () => number;
  /** Share of calls that something happens to. */
  rate: number;
  /** Share of calls at which the client's process dies, before or after the call's effect. */
  crashRate: number;
  /** The longest delay before or after a call, which also reorders the calls of different clients. */
  delayMs: number;
}

const kinds = ['delay', 'late', 'lostRequest', 'lostAnswer', 'throttle', 'conflict'] as const;

/** A client of DynamoDB to which everything happens that a network, a busy table and a dying process can do to it. */
export function withFaults(calls: DynamoCalls, options: FaultOptions): DynamoCalls {
  const { random, rate, crashRate, delayMs } = options;
  let isCrashed = false;

  const faulty =
    <I, O>(call: (input: I) => Promise<O>, isTransaction = false) =>
    async (input: I): Promise<O> => {
      // Drawn at once, so that a schedule's choices do not depend on the service's speed within a call.
      const crash = random() < crashRate ? (random() < 0.5 ? 'before' : 'after') : undefined;
      const kind = random() < rate ? kinds[Math.floor(random() * kinds.length)] : undefined;
      const waitMs = random() * delayMs;
      if (isCrashed) throw new Crashed('the process is dead');
      if (crash === 'before') {
        isCrashed = true;
        throw new Crashed('the process died before the call');
      }
      if (kind === 'lostRequest') throw named('ECONNRESET', 'socket hang up');
      if (kind === 'throttle') throw named('ProvisionedThroughputExceededException', 'slow down');
      if (kind === 'conflict' && isTransaction) {
        throw Object.assign(named('TransactionCanceledException', 'cancelled'), {
          CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }],
        });
      }
      if (kind === 'delay') await sleep(waitMs);
      const output = await call(input);
      if (crash === 'after') {
        isCrashed = true;
        throw new Crashed('the process died after the call');
      }
      if (kind === 'lostAnswer') throw named('TimeoutError', 'the answer got lost');
      if (kind === 'late') await sleep(waitMs);
      if (isCrashed) throw new Crashed('the process is dead');
      return output;
    };

  return {
    get: faulty(calls.get),
    put: faulty(calls.put),
    update: faulty(calls.update),
    remove: faulty(calls.remove),
    query: faulty(calls.query),
    transact: faulty(calls.transact, true),
    transactGet: faulty(calls.transactGet, true),
  };
}

/** Mulberry32: 32 bits of state, the same numbers for the same seed everywhere. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
