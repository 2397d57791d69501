import { Registry } from 'prom-client';
import { createInformers, type Informers } from '../../lib/client/informers.ts';
import { pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { createEmbeddedQueue, type EmbeddedQueue } from '../../lib/queue/embedded/index.ts';
import type { WorkItem, WorkResult } from '../../lib/queue/port.ts';
import { watchedResources } from './changes.ts';
import type { ControllerEntry } from './context.ts';
import { dispatch } from './dispatch.ts';
import {
  concurrencyOf,
  type HostedController,
  type HostOptions,
  hostController,
  reconcileItem,
} from './hosting.ts';
import { createControllerMetrics } from './metrics.ts';
import { selectControllers } from './select.ts';

export interface ControllersOptions extends HostOptions {
  signal: AbortSignal;
  /** Shared with other parts of the process; by default a set of their own is made and started. */
  informers?: Informers;
  /** kube-controller-manager's `--controllers`; default `['*']`. */
  controllers?: readonly string[];
  /** How often every object is looked at again although nothing happened; repairs dead letters. Default 10 min. */
  resyncMs?: number;
  maxTries?: number;
  metrics?: Registry;
}

export interface RunningControllers {
  /** Resolves once every informer has listed and work is being handed out. */
  ready: Promise<void>;
  /** Resolves after the signal aborted, once nothing is being worked on and events are written. */
  stopped: Promise<void>;
  queue: EmbeddedQueue;
}

/**
 * The controllers on one machine: informers' changes are dispatched to keys in a queue, and a key is reconciled once
 * the informers that its controller reads have caught up with everything acknowledged before.
 */
export function runControllers(
  all: readonly ControllerEntry[],
  options: ControllersOptions,
): RunningControllers {
  const { client, clock, log, signal, resyncMs = 10 * 60_000 } = options;
  const random = options.random ?? Math.random;
  const metrics = createControllerMetrics(options.metrics ?? new Registry());
  const informers = options.informers ?? createInformers(client, { clock, log, random, resyncMs });
  const enabled = selectControllers(
    options.controllers ?? ['*'],
    all.map((entry) => entry.name),
  );
  const entries = all.filter((entry) => enabled.has(entry.name));
  const queue = createEmbeddedQueue({
    clock,
    random,
    metrics,
    maxTries: options.maxTries,
    concurrency: concurrencyOf(entries),
    onDeadLetter: ({ item, error, tries }) => {
      metrics.deadLetter(item.controller);
      log.error({ ...item, tries, err: messageOf(error) }, 'given up until the next change or resync');
    },
  });
  const hosts = new Map<string, HostedController>();

  function add(item: WorkItem): void {
    queue.add(item).catch((error: unknown) => log.error({ ...item, err: messageOf(error) }, 'not queued'));
  }

  function subscribe(): void {
    const controllers = [...hosts.values()].map(({ controller }) => controller);
    for (const resource of watchedResources(controllers).values()) {
      informers.informer(resource).onChange((change) => {
        for (const item of dispatch(controllers, resource, change)) add(item);
      });
    }
  }

  async function handle(item: WorkItem, stop: AbortSignal): Promise<WorkResult> {
    const found = hosts.get(item.controller);
    if (!found) return { outcome: 'done' };
    return reconcileItem(found, item, stop, { log, random });
  }

  /** What informers' resyncs do not show, for its object is gone. */
  async function resyncKeys(): Promise<void> {
    const items = [...hosts].flatMap(([name, { controller }]) =>
      (controller.resyncKeys ?? []).map((key) => ({ controller: name, key })),
    );
    while (items.length > 0 && !signal.aborted) {
      for (const item of items) add(item);
      await pause(clock, resyncMs, signal);
    }
  }

  async function begin(): Promise<void> {
    const hosting = { ...options, informers, random, add };
    for (const entry of entries) hosts.set(entry.name, await hostController(entry, hosting));
    subscribe();
    await (options.informers ? informers.synced() : informers.start(signal));
  }

  const ready = begin();
  const run = async () => {
    await ready;
    await Promise.all([queue.run(handle, signal), resyncKeys()]);
    await Promise.all([...hosts.values()].map(({ recorder }) => recorder.flush()));
  };
  const stopped = run().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return { ready, stopped, queue };
}
