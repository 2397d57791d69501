import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { type Clock, pause } from '../../../lib/clock.ts';
import type { ClusterEvent } from '../framework/events.ts';
import { type PodInfo, podInfoOf } from '../framework/pod-info.ts';
import type { Profile } from '../framework/profile.ts';
import { KeyedHeap } from './heap.ts';
import { createHints } from './hints.ts';

export interface QueueOptions {
  clock: Clock;
  /** By `schedulerName`. */
  profiles: ReadonlyMap<string, Profile>;
  podInitialBackoffSeconds: number;
  podMaxBackoffSeconds: number;
}

/** A waiting pod with its history. */
export interface WaitingEntry {
  info: PodInfo;
  profile: Profile;
  timestampMs: number;
  readonly firstSeenMs: number;
  /** When the attempt that is under way, or the last one, began. */
  attemptedMs: number;
  attempts: number;
  /** How often it was turned down, and how often in a row a fault came between: each has its own backoff. */
  unschedulableCount: number;
  errorCount: number;
  unschedulablePlugins: ReadonlySet<string>;
  pendingPlugins: ReadonlySet<string>;
  /** The PreEnqueue plugin that keeps it out. */
  gatedBy: string | undefined;
}

/** How a pod comes back after a cycle that did not place it. */
export interface Failure {
  unschedulablePlugins: ReadonlySet<string>;
  pendingPlugins: ReadonlySet<string>;
  /** A fault of ours rather than a pod that fits nowhere. */
  isError: boolean;
}

/** A pod waits at most this long before it is tried again whatever has happened: nothing is ever forgotten. */
const maxUnschedulableMs = 5 * 60_000;

/**
 * Pods that wait for a node: the active ones in the order of QueueSort, those that were turned down a short while ago and
 * sit out a backoff, and those that wait for an event that could help them. Every pod is in exactly one of the three,
 * or in flight. Memory grows with the number of pending pods and is bounded by what the API holds.
 */
export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #active: KeyedHeap<WaitingEntry>;
  readonly #backoff: KeyedHeap<WaitingEntry>;
  readonly #unschedulable = new Map<string, WaitingEntry>();
  readonly #inFlight = new Map<string, { entry: WaitingEntry; since: number; activate: boolean }>();
  /** Events since the oldest pod in flight was taken out. */
  #recent: { sequence: number; event: ClusterEvent }[] = [];
  #sequence = 0;
  readonly #hints: ReturnType<typeof createHints>;
  #wake: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#hints = createHints(options.profiles);
    const [anyProfile] = options.profiles.values();
    if (!anyProfile) throw new TypeError('the queue needs a profile');
    const sort = anyProfile.queueSort;
    this.#active = new KeyedHeap(
      (entry) => entry.info.key,
      (a, b) => sort.compare(a, b),
    );
    this.#backoff = new KeyedHeap(
      (entry) => entry.info.key,
      (a, b) => this.#readyAt(a) - this.#readyAt(b) || sort.compare(a, b),
    );
  }

  get counts(): { active: number; backoff: number; unschedulable: number; inFlight: number } {
    return {
      active: this.#active.size,
      backoff: this.#backoff.size,
      unschedulable: this.#unschedulable.size,
      inFlight: this.#inFlight.size,
    };
  }

  /** Waiting pods that a PreEnqueue plugin keeps out. */
  get gated(): number {
    let count = 0;
    for (const { gatedBy } of this.#unschedulable.values()) if (gatedBy) count++;
    return count;
  }

  /** Of each waiting pod the profile with each plugin that turned it down. */
  *turnedDownBy(): Generator<[profile: string, plugin: string]> {
    for (const waiting of [this.#unschedulable, this.#backoff]) {
      for (const { profile, unschedulablePlugins, pendingPlugins } of waiting.values()) {
        for (const plugin of [...unschedulablePlugins, ...pendingPlugins]) {
          yield [profile.schedulerName, plugin];
        }
      }
    }
  }

  /** A pending pod, new or changed. */
  put(pod: Persisted<Pod>): void {
    const profile = this.#options.profiles.get(pod.spec.schedulerName ?? 'default-scheduler');
    if (!profile) return;
    const info = podInfoOf(pod);
    const flying = this.#inFlight.get(info.key);
    if (flying && flying.entry.info.pod.metadata.uid === pod.metadata.uid) {
      const before = flying.entry.info.pod;
      flying.entry.info = info;
      this.#note({ resource: 'Pod', actions: this.#hints.podActions(before, pod), before, after: pod });
      return;
    }
    const known = this.#find(info.key);
    if (known && known.info.pod.metadata.uid === pod.metadata.uid) return this.#change(known, info, pod);
    if (known) this.delete(info.key);
    const now = this.#options.clock.now();
    this.#enqueue({
      info,
      profile,
      timestampMs: now,
      firstSeenMs: now,
      attemptedMs: now,
      attempts: 0,
      unschedulableCount: 0,
      errorCount: 0,
      unschedulablePlugins: new Set(),
      pendingPlugins: new Set(),
      gatedBy: undefined,
    });
  }

  /** The pod is gone, or has a node. */
  delete(key: string): void {
    this.#active.delete(key);
    this.#backoff.delete(key);
    this.#unschedulable.delete(key);
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined || this.#inFlight.has(key);
  }

  get(key: string): PodInfo | undefined {
    return (this.#find(key) ?? this.#inFlight.get(key)?.entry)?.info;
  }

  /** The next pod to place; it is in flight until `done` or `putBack`. Undefined when none is ready. */
  pop(): WaitingEntry | undefined {
    this.#flush();
    const entry = this.#active.pop() ?? this.#idleBackoff();
    if (!entry) return undefined;
    entry.attempts++;
    this.#inFlight.set(entry.info.key, { entry, since: this.#sequence, activate: false });
    return entry;
  }

  /** The pod in flight is placed, or gone. */
  done(key: string): void {
    this.#inFlight.delete(key);
    this.#trim();
  }

  /** The pod in flight was not placed: where it waits depends on why, and on what happened meanwhile. */
  putBack(entry: WaitingEntry, failure: Failure): void {
    const flight = this.#inFlight.get(entry.info.key);
    this.#inFlight.delete(entry.info.key);
    entry.timestampMs = this.#options.clock.now();
    entry.unschedulablePlugins = failure.unschedulablePlugins;
    entry.pendingPlugins = failure.pendingPlugins;
    // Turned down by no plugin (there are no nodes at all, or a fault): no event can be told to help.
    const rejected = !failure.isError && failure.unschedulablePlugins.size + failure.pendingPlugins.size > 0;
    if (rejected) {
      entry.errorCount = 0;
      entry.unschedulableCount++;
    } else entry.errorCount++;
    const missed = this.#recent.filter(({ sequence }) => flight && sequence > flight.since);
    this.#trim();
    if (flight?.activate) return this.#enqueue(entry);
    if (!rejected) return this.#intoBackoff(entry);
    const wakes = missed.map(({ event }) => this.#hints.wakes(entry, event));
    if (wakes.includes('immediately')) return this.#enqueue(entry);
    if (wakes.includes('afterBackoff')) return this.#intoBackoff(entry);
    this.#unschedulable.set(entry.info.key, entry);
  }

  /** Something happened in the cluster: wakes the pods that it could help. */
  notify(event: ClusterEvent): void {
    if (!this.#hints.concernsAnyone(event)) return;
    if (this.#inFlight.size > 0) this.#note(event);
    for (const entry of [...this.#unschedulable.values()]) {
      const wake = this.#hints.wakes(entry, event);
      if (wake !== 'no') this.#release(entry, wake === 'immediately');
    }
  }

  /** A plugin asks for the pod to be tried at once. */
  activate(key: string): void {
    const flight = this.#inFlight.get(key);
    if (flight) flight.activate = true;
    const entry = this.#unschedulable.get(key) ?? this.#backoff.get(key);
    if (!entry) return;
    this.delete(key);
    this.#enqueue(entry);
  }

  /** Resolves when a pod may be ready to be popped, or when the signal aborts. */
  async waitForWork(signal: AbortSignal): Promise<void> {
    if (this.#active.size > 0 || signal.aborted) return;
    const { clock } = this.#options;
    const stop = new AbortController();
    const end = () => stop.abort();
    signal.addEventListener('abort', end, { once: true });
    this.#wake = end;
    const next = this.nextReadyMs();
    const waitMs = Math.min(30_000, Math.max(1, (next ?? Number.POSITIVE_INFINITY) - clock.now()));
    await pause(clock, waitMs, stop.signal);
    this.#wake = undefined;
    signal.removeEventListener('abort', end);
  }

  /** When the first pod that sits out a backoff or the long wait is due, in ms since the epoch. */
  nextReadyMs(): number | undefined {
    const backoff = this.#backoff.peek();
    let next = backoff && this.#readyAt(backoff);
    for (const entry of this.#unschedulable.values()) {
      if (entry.gatedBy) continue;
      const due = entry.timestampMs + maxUnschedulableMs;
      if (next === undefined || due < next) next = due;
    }
    return next;
  }

  #find(key: string): WaitingEntry | undefined {
    return this.#active.get(key) ?? this.#backoff.get(key) ?? this.#unschedulable.get(key);
  }

  #change(entry: WaitingEntry, info: PodInfo, pod: Persisted<Pod>): void {
    const before = entry.info.pod;
    if (this.#active.has(info.key)) {
      this.#active.delete(info.key);
      entry.info = info;
      this.#active.push(entry);
      return;
    }
    if (this.#backoff.has(info.key)) {
      this.#backoff.delete(info.key);
      entry.info = info;
      this.#backoff.push(entry);
      return;
    }
    entry.info = info;
    const event = {
      resource: 'Pod',
      actions: this.#hints.podActions(before, pod),
      before,
      after: pod,
    } as const;
    if (entry.gatedBy) {
      if (event.actions.length > 0) this.#release(entry, entry.attempts === 0);
      return;
    }
    const wake = this.#hints.wakes(entry, event);
    if (wake !== 'no') this.#release(entry, wake === 'immediately');
  }

  #release(entry: WaitingEntry, immediately: boolean): void {
    this.#unschedulable.delete(entry.info.key);
    if (immediately) this.#enqueue(entry);
    else this.#intoBackoff(entry);
  }

  /** Into the active queue, unless a PreEnqueue plugin keeps it out. */
  #enqueue(entry: WaitingEntry): void {
    entry.gatedBy = undefined;
    for (const plugin of entry.profile.preEnqueue) {
      if (!plugin.preEnqueue(entry.info.pod)) continue;
      entry.gatedBy = plugin.name;
      entry.unschedulablePlugins = new Set([plugin.name]);
      this.#unschedulable.set(entry.info.key, entry);
      return;
    }
    this.#active.push(entry);
    this.#wake?.();
  }

  #intoBackoff(entry: WaitingEntry): void {
    if (this.#readyAt(entry) <= this.#options.clock.now()) return this.#enqueue(entry);
    this.#backoff.push(entry);
    this.#wake?.();
  }

  /** The end of the backoff, which doubles from the first to the longest with every failure. */
  #readyAt(entry: WaitingEntry): number {
    const { podInitialBackoffSeconds, podMaxBackoffSeconds } = this.#options;
    const failures = entry.errorCount > 0 ? entry.errorCount : entry.unschedulableCount;
    if (failures === 0) return entry.timestampMs;
    const seconds = Math.min(
      podMaxBackoffSeconds,
      podInitialBackoffSeconds * 2 ** Math.min(failures - 1, 30),
    );
    return entry.timestampMs + seconds * 1000;
  }

  /** With nothing else to do, a pod that sits out a backoff may as well be tried, unless faults put it there. */
  #idleBackoff(): WaitingEntry | undefined {
    for (const entry of this.#backoff.values()) {
      if (entry.errorCount === 0) return this.#backoff.delete(entry.info.key);
    }
    return undefined;
  }

  #flush(): void {
    const now = this.#options.clock.now();
    for (
      let entry = this.#backoff.peek();
      entry && this.#readyAt(entry) <= now;
      entry = this.#backoff.peek()
    ) {
      this.#backoff.pop();
      this.#enqueue(entry);
    }
    if (now < this.#nextLongFlushMs) return;
    this.#nextLongFlushMs = now + 30_000;
    for (const entry of [...this.#unschedulable.values()]) {
      if (!entry.gatedBy && now - entry.timestampMs > maxUnschedulableMs) this.#release(entry, false);
    }
  }

  #nextLongFlushMs = 0;

  #note(event: ClusterEvent): void {
    this.#recent.push({ sequence: ++this.#sequence, event });
  }

  #trim(): void {
    if (this.#recent.length === 0) return;
    if (this.#inFlight.size === 0) {
      this.#recent = [];
      return;
    }
    // Flights are in the order in which they began: the first is the oldest.
    for (const { since } of this.#inFlight.values()) {
      if ((this.#recent[0]?.sequence ?? 0) <= since) {
        this.#recent = this.#recent.filter(({ sequence }) => sequence > since);
      }
      return;
    }
  }
}
