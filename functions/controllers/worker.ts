import { createInformers } from '../../lib/client/informers.ts';
import { KumulusError, messageOf } from '../../lib/errors.ts';
import type { WorkItem, WorkQueue, WorkResult } from '../../lib/queue/port.ts';
import type { Revision, Store } from '../../lib/store/port.ts';
import { objectChange, watchedResources } from './changes.ts';
import type { ControllerEntry } from './context.ts';
import { deferredName, parseDeferred } from './deferred.ts';
import { dispatch } from './dispatch.ts';
import { resyncName } from './everything.ts';
import { type HostedController, type HostOptions, hostController, reconcileItem } from './hosting.ts';

export interface WorkerOptions extends HostOptions {
  entries: readonly ControllerEntry[];
  /** For the changes whose mapping was left to the worker. */
  store: Pick<Store, 'watch'>;
  queue: WorkQueue;
  random: () => number;
  /** Ends the informers. */
  signal: AbortSignal;
}

/** Controllers that are made when the first of their keys comes, and what they read with them. */
export interface Worker {
  handle(item: WorkItem, signal: AbortSignal): Promise<WorkResult>;
  /**
   * Resolves once what was recorded and enqueued on the way is written. Once `stop` aborted, events are waited for no
   * longer, and keys for half a second: it rejects when they are not written then.
   */
  flush(stop: AbortSignal): Promise<void>;
}

/** How long keys of its own may still take to be written when the time of an invocation is over. */
const lastKeysMs = 500;

export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { entries, client, store, queue, clock, log, random, signal } = options;
  const informers = createInformers(client, { clock, log, random });
  await informers.start(signal);
  const hosted = new Map<string, Promise<HostedController>>();
  const adding = new Set<Promise<void>>();

  function add(item: WorkItem): void {
    const added: Promise<void> = queue.add(item).then(() => void adding.delete(added));
    // One that failed stays until the next flush, which rejects with it.
    added.catch((error: unknown) => log.debug({ ...item, err: messageOf(error) }, 'not queued'));
    adding.add(added);
  }

  const hosting = { ...options, informers, add };

  async function host(name: string): Promise<HostedController | undefined> {
    const entry = entries.find((one) => one.name === name);
    if (!entry) return undefined;
    const making = hosted.get(name) ?? hostController(entry, hosting);
    hosted.set(name, making);
    making.catch(() => hosted.delete(name));
    const found = await making;
    await informers.synced();
    return found;
  }

  async function mapDeferred(key: string): Promise<WorkResult> {
    const { controller, resource, revision } = parseDeferred(key);
    const found = await host(controller);
    const type = found && watchedResources([found.controller]).get(resource);
    if (!found || !type) return { outcome: 'done' };
    const change = await changeAt(store, resource, revision, signal);
    if (!change) return { outcome: 'done' };
    // The graph itself is what the mapping reads.
    const informer = informers.informer(type);
    await informers.synced();
    await informer.catchUp();
    for (const item of dispatch([found.controller], type, objectChange(change))) add(item);
    return { outcome: 'done' };
  }

  /** Shows a controller every object that it watches, as an informer's resync does. */
  async function resync(name: string): Promise<WorkResult> {
    const found = await host(name);
    if (!found) return { outcome: 'done' };
    for (const key of found.controller.resyncKeys ?? []) add({ controller: name, key });
    for (const resource of watchedResources([found.controller]).values()) {
      const informer = informers.informer(resource);
      await informers.synced();
      await informer.catchUp();
      for (const object of informer.list()) {
        for (const item of dispatch([found.controller], resource, { before: object, after: object }))
          add(item);
      }
    }
    return { outcome: 'done' };
  }

  return {
    async handle(item, stop) {
      try {
        if (item.controller === deferredName) return await mapDeferred(item.key);
        if (item.controller === resyncName) return await resync(item.key);
        const found = await host(item.controller);
        if (!found) {
          log.warn({ ...item }, 'there is no such controller');
          return { outcome: 'done' };
        }
        return await reconcileItem(found, item, stop, { log, random });
      } catch (error) {
        return { outcome: 'failed', error };
      }
    },
    async flush(stop) {
      const over = new AbortController();
      const stopped = new Promise<void>((resolve) => {
        if (stop.aborted) return resolve();
        stop.addEventListener('abort', () => resolve(), { once: true, signal: over.signal });
      });
      const recorders = [...hosted.values()].map(async (making) => (await making).recorder.flush());
      const added = [...adding];
      adding.clear();
      // Only an invocation that was told to stop has an end; it rejects, and is heard only where a key is still being added.
      const late = stopped.then(async () => {
        await clock.sleep(lastKeysMs, over.signal);
        throw new KumulusError('Timeout', `no time was left to enqueue ${added.length} keys`);
      });
      late.catch(() => undefined);
      try {
        await Promise.all([
          Promise.race([Promise.all(recorders), stopped]),
          Promise.race([Promise.all(added), late]),
        ]);
      } finally {
        over.abort(new Error('everything is written'));
      }
    },
  };
}

/** The change at one revision, from the log; undefined when it was given up, or is history no more (a resync repairs that). */
async function changeAt(
  store: Pick<Store, 'watch'>,
  resource: string,
  revision: Revision,
  outer: AbortSignal,
) {
  const found = new AbortController();
  for await (const batch of store.watch(resource, revision - 1, {
    signal: AbortSignal.any([outer, found.signal]),
  })) {
    const change = batch.changes.find((one) => one.revision === revision);
    if (change || batch.revision >= revision) return change;
  }
  return undefined;
}
