import type { Clock } from '../../clock.ts';
import { KumulusError } from '../../errors.ts';
import type { WorkItem, WorkQueue, WorkResult } from '../port.ts';
import { defaultRetryBackoff, type RetryBackoff, retryDelayMs } from '../backoff.ts';
import { createTimers } from './timers.ts';

export interface EmbeddedQueueOptions {
  clock: Clock;
  /** 0 to 1, as Math.random. */
  random?: () => number;
  /** How many keys of one controller are worked on at once. Default 5, as kube-controller-manager's for most. */
  concurrency?: (controller: string) => number;
  backoff?: RetryBackoff;
  /** Failures in a row after which an item becomes a dead letter. Default 15. */
  maxTries?: number;
  /** Distinct items that may wait at once; past it `add` is refused with TooManyRequests. Default one million. */
  maxItems?: number;
  /** Newest dead letters kept for `deadLetters()`. Default 1000. */
  maxDeadLetters?: number;
  onDeadLetter?: (letter: DeadLetter) => void;
  metrics?: QueueMetrics;
}

export interface DeadLetter {
  item: WorkItem;
  error: unknown;
  tries: number;
  atMs: number;
}

/** What a queue tells whoever counts; kube-controller-manager's `workqueue_*` family. */
export interface QueueMetrics {
  added(controller: string): void;
  retried(controller: string): void;
  depth(controller: string, waiting: number): void;
  handedOut(controller: string, waitedMs: number): void;
  finished(controller: string, workedMs: number, outcome: WorkResult['outcome']): void;
}

export type WorkHandler = (item: WorkItem, signal: AbortSignal) => Promise<WorkResult>;

/**
 * The work queue inside one process. Nothing of it is durable: whoever starts again adds every object's key once (the
 * first list of an informer does), which is all that a queue of keys ever held.
 */
export interface EmbeddedQueue extends WorkQueue {
  /**
   * Hands items out until the signal aborts, then waits for what is being worked on and resolves. Items that still
   * wait stay, and a later `run` hands them out. Rejects when the queue itself, or a hook it was given, fails.
   */
  run(handler: WorkHandler, signal: AbortSignal): Promise<void>;
  /** Items waiting (delayed ones and those whose key is being worked on included) and being worked on. */
  readonly size: { waiting: number; working: number };
  /** Resolves when nothing is due and nothing is being worked on; delayed items may remain. */
  idle(): Promise<void>;
  deadLetters(): readonly DeadLetter[];
}

interface Entry {
  item: WorkItem;
  state: 'ready' | 'delayed' | 'working' | 'none';
  /** Added while it was being worked on: handed out again afterwards, at this time. */
  againAtMs: number | undefined;
  failures: number;
  since: number;
}

interface Lane {
  ready: Set<string>;
  working: number;
}

export function createEmbeddedQueue(options: EmbeddedQueueOptions): EmbeddedQueue {
  const { clock, metrics } = options;
  const random = options.random ?? Math.random;
  const backoff = options.backoff ?? defaultRetryBackoff;
  const maxTries = options.maxTries ?? 15;
  const maxItems = options.maxItems ?? 1_000_000;
  const maxDeadLetters = options.maxDeadLetters ?? 1_000;
  const concurrency = options.concurrency ?? (() => 5);
  const entries = new Map<string, Entry>();
  const lanes = new Map<string, Lane>();
  const letters = new Map<string, DeadLetter>();
  const timers = createTimers(clock, (id) => makeReady(id));
  const idlers = new Set<() => void>();
  let working = 0;
  let ready = 0;
  let running: { handler: WorkHandler; signal: AbortSignal } | undefined;
  let onQuiet: (() => void) | undefined;
  /** A fault of the queue's own, or of who counts for it: handlers' failures never come here. */
  let onFault: ((error: unknown) => void) | undefined;

  function laneOf(controller: string): Lane {
    let lane = lanes.get(controller);
    if (!lane) {
      lane = { ready: new Set(), working: 0 };
      lanes.set(controller, lane);
    }
    return lane;
  }

  function makeReady(id: string): void {
    const entry = entries.get(id);
    if (!entry || entry.state === 'ready' || entry.state === 'working') return;
    const lane = laneOf(entry.item.controller);
    entry.state = 'ready';
    entry.since = clock.now();
    lane.ready.add(id);
    ready++;
    metrics?.depth(entry.item.controller, lane.ready.size);
    pump(entry.item.controller);
  }

  function schedule(id: string, entry: Entry, atMs: number): void {
    if (atMs <= clock.now()) {
      timers.delete(id);
      return makeReady(id);
    }
    entry.state = 'delayed';
    timers.set(id, atMs);
  }

  function pump(controller: string): void {
    const lane = laneOf(controller);
    while (running && !running.signal.aborted && lane.working < Math.max(1, concurrency(controller))) {
      const [id] = lane.ready;
      if (id === undefined) return;
      lane.ready.delete(id);
      ready--;
      lane.working++;
      working++;
      metrics?.depth(controller, lane.ready.size);
      work(id, entries.get(id) as Entry, running).catch((error: unknown) => onFault?.(error));
    }
  }

  async function work(
    id: string,
    entry: Entry,
    { handler, signal }: { handler: WorkHandler; signal: AbortSignal },
  ): Promise<void> {
    const { controller } = entry.item;
    entry.state = 'working';
    entry.againAtMs = undefined;
    const startedAt = clock.now();
    metrics?.handedOut(controller, startedAt - entry.since);
    let result: WorkResult;
    try {
      result = await handler(entry.item, signal);
    } catch (error) {
      result = { outcome: 'failed', error };
    }
    const lane = laneOf(controller);
    lane.working--;
    working--;
    metrics?.finished(controller, clock.now() - startedAt, result.outcome);
    settle(id, entry, result, signal);
    pump(controller);
    if (working === 0) onQuiet?.();
    if (working === 0 && ready === 0) {
      for (const wake of idlers) wake();
      idlers.clear();
    }
  }

  /** Where an item goes that was worked on: back into the queue, to the dead letters, or away. */
  function settle(id: string, entry: Entry, result: WorkResult, signal: AbortSignal): void {
    entry.state = 'none';
    let atMs = entry.againAtMs;
    const by = (ms: number) => {
      atMs = Math.min(atMs ?? Number.POSITIVE_INFINITY, clock.now() + ms);
    };
    if (result.outcome === 'failed') {
      // Work that was cut short by a stop says nothing about the item.
      if (signal.aborted) by(0);
      else if (++entry.failures < maxTries) {
        metrics?.retried(entry.item.controller);
        by(retryDelayMs(backoff, entry.failures, random));
      } else {
        bury(id, entry, result.error);
      }
    } else {
      entry.failures = 0;
      letters.delete(id);
      if (result.outcome === 'requeueAfter') by(result.delayMs);
    }
    if (atMs === undefined) entries.delete(id);
    else schedule(id, entry, atMs);
  }

  function bury(id: string, entry: Entry, error: unknown): void {
    const letter = { item: entry.item, error, tries: entry.failures, atMs: clock.now() };
    entry.failures = 0;
    letters.delete(id);
    letters.set(id, letter);
    if (letters.size > maxDeadLetters) {
      const [oldest] = letters.keys();
      letters.delete(oldest as string);
    }
    options.onDeadLetter?.(letter);
  }

  return {
    async add(item, { delayMs = 0 } = {}) {
      const id = `${item.controller}\n${item.key}`;
      const atMs = clock.now() + Math.max(0, delayMs);
      let entry = entries.get(id);
      if (!entry) {
        if (entries.size >= maxItems) {
          throw new KumulusError(
            'TooManyRequests',
            `the work queue holds ${maxItems} items and takes no more`,
          );
        }
        entry = { item, state: 'none', againAtMs: undefined, failures: 0, since: clock.now() };
        entries.set(id, entry);
      }
      metrics?.added(item.controller);
      if (entry.state === 'working') {
        entry.againAtMs = Math.min(entry.againAtMs ?? Number.POSITIVE_INFINITY, atMs);
      } else if (entry.state !== 'ready') {
        schedule(id, entry, atMs);
      }
    },
    async run(handler, signal) {
      if (running) throw new Error('the work queue is being run already');
      running = { handler, signal };
      for (const controller of lanes.keys()) pump(controller);
      try {
        await new Promise<void>((resolve, reject) => {
          onFault = reject;
          const stop = () => {
            onQuiet = resolve;
            if (working === 0) resolve();
          };
          if (signal.aborted) stop();
          else signal.addEventListener('abort', stop, { once: true });
        });
      } finally {
        running = undefined;
        onQuiet = undefined;
        onFault = undefined;
      }
    },
    get size() {
      return { waiting: entries.size - working, working };
    },
    idle: () =>
      working === 0 && ready === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            idlers.add(resolve);
          }),
    deadLetters: () => [...letters.values()],
  };
}
