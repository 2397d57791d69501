import type { Clock } from '../../clock.ts';

/** Keys that become due one by one. Holds one sleep of the clock however many keys wait. */
export interface Timers {
  readonly size: number;
  /** A key that waits already is only ever brought forward. */
  set(key: string, dueMs: number): void;
  has(key: string): boolean;
  delete(key: string): void;
  /** Forgets every key and ends the sleep. */
  clear(): void;
}

interface Due {
  key: string;
  atMs: number;
}

export function createTimers(clock: Clock, onDue: (key: string) => void): Timers {
  /** A binary heap by time. An entry whose time is no longer the key's is stale, and skipped when it comes up. */
  const heap: Due[] = [];
  const dueAt = new Map<string, number>();
  let sleeping: { untilMs: number; cancel: AbortController } | undefined;

  function arm(): void {
    dropStale();
    const next = heap[0];
    if (!next) return stop();
    if (sleeping && sleeping.untilMs <= next.atMs) return;
    stop();
    const cancel = new AbortController();
    sleeping = { untilMs: next.atMs, cancel };
    clock.sleep(Math.max(0, next.atMs - clock.now()), cancel.signal).then(fire, () => undefined);
  }

  function stop(): void {
    sleeping?.cancel.abort(cancelled);
    sleeping = undefined;
  }

  function fire(): void {
    sleeping = undefined;
    const now = clock.now();
    for (dropStale(); heap[0] && heap[0].atMs <= now; dropStale()) {
      const { key } = pop(heap) as Due;
      dueAt.delete(key);
      onDue(key);
    }
    arm();
  }

  function dropStale(): void {
    while (heap[0] && dueAt.get(heap[0].key) !== heap[0].atMs) pop(heap);
  }

  return {
    get size() {
      return dueAt.size;
    },
    set(key, atMs) {
      const before = dueAt.get(key);
      if (before !== undefined && before <= atMs) return;
      dueAt.set(key, atMs);
      push(heap, { key, atMs });
      arm();
    },
    has: (key) => dueAt.has(key),
    delete(key) {
      if (dueAt.delete(key)) arm();
    },
    clear() {
      dueAt.clear();
      heap.length = 0;
      stop();
    },
  };
}

const cancelled = new Error('an earlier timer took its place');

function push(heap: Due[], due: Due): void {
  let at = heap.push(due) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if ((heap[parent] as Due).atMs <= due.atMs) break;
    heap[at] = heap[parent] as Due;
    at = parent;
  }
  heap[at] = due;
}

function pop(heap: Due[]): Due | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] as Due).atMs < (heap[child] as Due).atMs) child++;
    if ((heap[child] as Due).atMs >= last.atMs) break;
    heap[at] = heap[child] as Due;
    at = child;
  }
  heap[at] = last;
  return first;
}
