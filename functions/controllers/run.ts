import { Registry } from 'prom-client';
import type { KubeObject } from '../../lib/api/object.ts';
import { type BufferedEventRecorder, createEventRecorder } from '../../lib/client/event-recorder.ts';
import { createInformers, type Informers } from '../../lib/client/informers.ts';
import type { Informer } from '../../lib/client/lister.ts';
import type { KubeClient, Resource } from '../../lib/client/port.ts';
import type { Clock } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { createEmbeddedQueue, type EmbeddedQueue } from '../../lib/queue/embedded/index.ts';
import type { WorkItem, WorkResult } from '../../lib/queue/port.ts';
import type { ControllerContext, ControllerEntry, ListerOptions } from './context.ts';
import type { Controller } from './controller.ts';
import { dispatch } from './dispatch.ts';
import { createControllerMetrics } from './metrics.ts';
import { type ClusterOptions, defaultClusterOptions } from './options.ts';
import { selectControllers } from './select.ts';

export interface ControllersOptions {
  client: KubeClient;
  /** The client that one controller writes with, where each has a user of its own. Default: `client`. */
  clientFor?: (controller: string) => KubeClient;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  /** Shared with other parts of the process; by default a set of their own is made and started. */
  informers?: Informers;
  random?: () => number;
  /** kube-controller-manager's `--controllers`; default `['*']`. */
  controllers?: readonly string[];
  cluster?: Partial<ClusterOptions>;
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

interface Host {
  controller: Controller;
  /** What this controller reads and must not read stale. */
  reads: Set<Informer<KubeObject>>;
}

/** How soon a key comes again when the API server could not be reached: that is no failure of the key. */
const outageRetryMs = 1_000;

/**
 * The controllers on one machine: informers' changes are dispatched to keys in a queue, and a key is reconciled once
 * the informers that its controller reads have caught up with everything acknowledged before.
 */
export function runControllers(
  all: readonly ControllerEntry[],
  options: ControllersOptions,
): RunningControllers {
  const { client, clock, log, signal } = options;
  const random = options.random ?? Math.random;
  const cluster = { ...defaultClusterOptions, ...options.cluster };
  const metrics = createControllerMetrics(options.metrics ?? new Registry());
  const informers =
    options.informers ??
    createInformers(client, { clock, log, random, resyncMs: options.resyncMs ?? 10 * 60_000 });
  const enabled = selectControllers(
    options.controllers ?? ['*'],
    all.map((entry) => entry.name),
  );
  const entries = all.filter((entry) => enabled.has(entry.name));
  const concurrency = new Map(entries.map((entry) => [entry.name, entry.concurrency ?? 5]));
  const queue = createEmbeddedQueue({
    clock,
    random,
    metrics,
    maxTries: options.maxTries,
    concurrency: (name) => concurrency.get(name) ?? 5,
    onDeadLetter: ({ item, error, tries }) => {
      metrics.deadLetter(item.controller);
      log.error({ ...item, tries, err: messageOf(error) }, 'given up until the next change or resync');
    },
  });
  const recorders: BufferedEventRecorder[] = [];
  const hosts = new Map<string, Host>();

  function add(item: WorkItem): void {
    queue.add(item).catch((error: unknown) => log.error({ ...item, err: messageOf(error) }, 'not queued'));
  }

  async function host(entry: ControllerEntry): Promise<void> {
    const reads = new Set<Informer<KubeObject>>();
    const own = options.clientFor?.(entry.name) ?? client;
    const recorder = createEventRecorder(own, { component: entry.component, clock, log });
    recorders.push(recorder);
    const context: ControllerContext = {
      client: own,
      clock,
      log: log.child({ controller: entry.name }),
      random,
      recorder,
      cluster,
      lister<T extends KubeObject>(resource: Resource<T>, lister: ListerOptions<T> = {}) {
        const informer = informers.informer(resource, { indexers: lister.indexers });
        reads.add(informer as unknown as Informer<KubeObject>);
        return informer;
      },
      informer: (resource, indexers) => informers.informer(resource, { indexers }),
      enqueue: (key) => add({ controller: entry.name, key }),
    };
    hosts.set(entry.name, { controller: await entry.create(context), reads });
  }

  function subscribe(): void {
    const controllers = [...hosts.values()].map(({ controller }) => controller);
    const resources = new Map<string, Resource<KubeObject>>();
    for (const { watches } of controllers) {
      for (const { resource } of watches) {
        resources.set(`${resource.group}/${resource.version}/${resource.plural}`, resource);
      }
    }
    for (const resource of resources.values()) {
      informers.informer(resource).onChange((change) => {
        for (const item of dispatch(controllers, resource, change)) add(item);
      });
    }
  }

  async function handle(item: WorkItem, stop: AbortSignal): Promise<WorkResult> {
    const found = hosts.get(item.controller);
    if (!found) return { outcome: 'done' };
    try {
      await Promise.all([...found.reads].map((informer) => informer.catchUp()));
      const result = await found.controller.reconcile(item.key, stop);
      return 'done' in result
        ? { outcome: 'done' }
        : { outcome: 'requeueAfter', delayMs: Math.max(0, result.requeueAfterMs) };
    } catch (error) {
      if (stop.aborted) return { outcome: 'failed', error };
      const outage = isKind(error, 'ServiceUnavailable', 'ServerTimeout', 'Timeout', 'TooManyRequests');
      const level = outage || isKind(error, 'Conflict', 'NotFound', 'AlreadyExists') ? 'debug' : 'warn';
      log[level]({ ...item, err: level === 'warn' ? error : messageOf(error) }, 'will be tried again');
      return outage
        ? { outcome: 'requeueAfter', delayMs: outageRetryMs * (1 + random()) }
        : { outcome: 'failed', error };
    }
  }

  async function begin(): Promise<void> {
    for (const entry of entries) await host(entry);
    subscribe();
    await (options.informers ? informers.synced() : informers.start(signal));
  }

  const ready = begin();
  const run = async () => {
    await ready;
    await queue.run(handle, signal);
    await Promise.all(recorders.map((recorder) => recorder.flush()));
  };
  const stopped = run().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return { ready, stopped, queue };
}
