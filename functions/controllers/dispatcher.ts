import type { KubeObject } from '../../lib/api/object.ts';
import { createEventRecorder } from '../../lib/client/event-recorder.ts';
import type { Informers } from '../../lib/client/informers.ts';
import type { Indexers, Informer, Lister, ObjectChange } from '../../lib/client/lister.ts';
import type { KubeClient, Resource } from '../../lib/client/port.ts';
import { apiVersionOf } from '../../lib/client/resources.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { WorkItem } from '../../lib/queue/port.ts';
import type { ControllerEntry } from './context.ts';
import type { Controller } from './controller.ts';
import { dispatch } from './dispatch.ts';
import { defaultClusterOptions } from './options.ts';

/** Maps changes to work where no informer is running yet: only what a mapping really reads is ever listed. */
export interface Dispatcher {
  readonly controllers: readonly Controller[];
  /**
   * What a change is to be followed by. A controller that would need the whole graph of objects for that is named under
   * `deferred`: it maps the change where it has that graph.
   */
  map(
    resource: Resource<KubeObject>,
    change: ObjectChange,
  ): Promise<{ items: WorkItem[]; deferred: string[] }>;
  /** What was read is caught up with again before it is read next. */
  beginBatch(): void;
}

export interface DispatcherOptions {
  entries: readonly ControllerEntry[];
  client: KubeClient;
  /** Running. */
  informers: Informers;
  clock: Clock;
  log: Logger;
  random: () => number;
  /** Further controllers that are nothing but watches. */
  others?: readonly Controller[];
}

/** Thrown out of a mapping that reads what this batch has not caught up with. */
class Unread extends Error {
  readonly prepare: () => Promise<void>;

  constructor(prepare: () => Promise<void>) {
    super('not read yet');
    this.prepare = prepare;
  }
}

/** Thrown out of a mapping that reads through an informer that its controller catches up with by itself. */
class Deferred extends Error {}

/** A mapping reads a handful of types; more rounds mean that one is never satisfied. */
const mostRounds = 20;

export async function createDispatcher(options: DispatcherOptions): Promise<Dispatcher> {
  const { entries, client, informers, clock, log, random } = options;
  let caughtUp = new Set<string>();

  function lazyLister<T extends KubeObject>(resource: Resource<T>, indexers?: Indexers<T>): Lister<T> {
    const id = `${apiVersionOf(resource)}/${resource.plural}`;
    const ready = (): Informer<T> => {
      if (caughtUp.has(id)) return informers.informer(resource, { indexers });
      throw new Unread(async () => {
        const informer = informers.informer(resource, { indexers });
        await informers.synced();
        await informer.catchUp();
        caughtUp.add(id);
      });
    };
    return {
      resource,
      get: (key) => ready().get(key),
      list: (namespace) => ready().list(namespace),
      byIndex: (index, value) => ready().byIndex(index, value),
    };
  }

  function deferring<T extends KubeObject>(resource: Resource<T>): Informer<T> {
    const defer = (): never => {
      throw new Deferred();
    };
    return {
      resource,
      get: defer,
      list: defer,
      byIndex: defer,
      onChange: () => undefined,
      start: defer,
      catchUp: () => Promise.reject(new Deferred()),
    };
  }

  const controllers: Controller[] = [...(options.others ?? [])];
  for (const entry of entries) {
    controllers.push(
      await entry.create({
        client,
        clock,
        log,
        random,
        recorder: createEventRecorder(client, { component: entry.component, clock, log }),
        cluster: defaultClusterOptions,
        lister: (resource, lister) => lazyLister(resource, lister?.indexers),
        informer: deferring,
        enqueue: () => undefined,
      }),
    );
  }

  async function mapOne(
    controller: Controller,
    resource: Resource<KubeObject>,
    change: ObjectChange,
  ): Promise<WorkItem[] | 'deferred'> {
    for (let round = 0; round < mostRounds; round++) {
      try {
        return dispatch([controller], resource, change);
      } catch (error) {
        if (error instanceof Deferred) return 'deferred';
        if (!(error instanceof Unread)) throw error;
        await error.prepare();
      }
    }
    throw new Error(`controller ${controller.name}: its mapping of ${resource.plural} never settles`);
  }

  return {
    controllers,
    beginBatch() {
      caughtUp = new Set();
    },
    async map(resource, change) {
      const items: WorkItem[] = [];
      const deferred: string[] = [];
      for (const controller of controllers) {
        const mapped = await mapOne(controller, resource, change);
        if (mapped === 'deferred') deferred.push(controller.name);
        else items.push(...mapped);
      }
      return { items, deferred };
    },
  };
}
