import { AsyncLocalStorage } from 'node:async_hooks';
import type { KubeObject } from '../../lib/api/object.ts';
import { type BufferedEventRecorder, createEventRecorder } from '../../lib/client/event-recorder.ts';
import type { Informers } from '../../lib/client/informers.ts';
import type { Informer } from '../../lib/client/lister.ts';
import type { KubeClient, Resource } from '../../lib/client/port.ts';
import type { Clock } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { WorkItem, WorkResult } from '../../lib/queue/port.ts';
import type { ControllerClientFor } from './accounts.ts';
import type { ControllerContext, ControllerEntry, ListerOptions } from './context.ts';
import type { Controller } from './controller.ts';
import { type ClusterOptions, defaultClusterOptions } from './options.ts';

/** What hosts of controllers are given alike. */
export interface HostOptions {
  client: KubeClient;
  /** The client that one controller writes with, where each has a user of its own. Default: `client`. */
  clientFor?: ControllerClientFor;
  clock: Clock;
  log: Logger;
  random?: () => number;
  cluster?: Partial<ClusterOptions>;
}

export interface HostingOptions extends HostOptions {
  random: () => number;
  informers: Informers;
  /** Where a controller puts keys of its own. */
  add: (item: WorkItem) => void;
}

const defaultConcurrency = 5;

/** How many keys of a controller are worked on at once. */
export function concurrencyOf(entries: readonly ControllerEntry[]): (controller: string) => number {
  const widths = new Map(entries.map(({ name, concurrency }) => [name, concurrency]));
  return (controller) => widths.get(controller) ?? defaultConcurrency;
}

/** One controller with what it was made from. */
export interface HostedController {
  controller: Controller;
  /** What it reads and must not read stale. */
  reads: Set<Informer<KubeObject>>;
  recorder: BufferedEventRecorder;
  /** The object that a key stands for, where keys are those of the first resource that the controller watches. */
  objectOf: (key: string) => KubeObject | undefined;
}

/** How soon a key comes again when the API server could not be reached: that is no failure of the key. */
const outageRetryMs = 1_000;

/** What tells the reconcile that is under way to stop: its client then refuses every further call. */
const reconciling = new AsyncLocalStorage<AbortSignal>();

/** Makes a controller from its entry. */
export async function hostController(
  entry: ControllerEntry,
  options: HostingOptions,
): Promise<HostedController> {
  const { informers, clock, log, random, clientFor } = options;
  const reads = new Set<Informer<KubeObject>>();
  const client = clientFor
    ? clientFor(entry.name, { maxRetries: entry.maxRetries, workSignal: () => reconciling.getStore() })
    : options.client;
  // What happened is told even by a reconcile that was stopped after it.
  const recorder = createEventRecorder(clientFor?.(entry.name) ?? options.client, {
    component: entry.component,
    clock,
    log,
  });
  const context: ControllerContext = {
    client,
    clock,
    log: log.child({ controller: entry.name }),
    random,
    recorder,
    cluster: { ...defaultClusterOptions, ...options.cluster },
    lister<T extends KubeObject>(resource: Resource<T>, lister: ListerOptions<T> = {}) {
      const informer = informers.informer(resource, { indexers: lister.indexers });
      reads.add(informer as unknown as Informer<KubeObject>);
      return informer;
    },
    informer: (resource, indexers) => informers.informer(resource, { indexers }),
    enqueue: (key) => options.add({ controller: entry.name, key }),
  };
  const controller = await entry.create(context);
  const [primary] = controller.watches;
  const objectOf = (key: string) => primary && informers.informer(primary.resource).get(key);
  return { controller, reads, recorder, objectOf };
}

/** One reconcile: catches up with everything acknowledged so far, makes one step, and says what comes next. */
export async function reconcileItem(
  { controller, reads, recorder, objectOf }: HostedController,
  item: WorkItem,
  stop: AbortSignal,
  { log, random }: Pick<HostingOptions, 'log' | 'random'>,
): Promise<WorkResult> {
  try {
    await Promise.all([...reads].map((informer) => informer.catchUp()));
    stop.throwIfAborted();
    const result = await reconciling.run(stop, () => controller.reconcile(item.key, stop));
    return 'done' in result
      ? { outcome: 'done' }
      : { outcome: 'requeueAfter', delayMs: Math.max(0, result.requeueAfterMs) };
  } catch (error) {
    if (stop.aborted) return { outcome: 'failed', error };
    const outage = isKind(error, 'ServiceUnavailable', 'ServerTimeout', 'Timeout', 'TooManyRequests');
    const level = outage || isKind(error, 'Conflict', 'NotFound', 'AlreadyExists') ? 'debug' : 'warn';
    log[level]({ ...item, err: level === 'warn' ? error : messageOf(error) }, 'will be tried again');
    // What the API server refuses is told by the controller itself; this is a fault of the controller's.
    const faulty = isFault(error) ? objectOf(item.key) : undefined;
    if (faulty) recorder.event(faulty, 'Warning', 'ReconcileFailed', messageOf(error));
    return outage
      ? { outcome: 'requeueAfter', delayMs: outageRetryMs * (1 + random()) }
      : { outcome: 'failed', error };
  }
}

/** Nobody thought of it: neither an answer of the API server nor an error that a controller throws on purpose. */
function isFault(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}
