import type { KubeObject } from '../../lib/api/object.ts';
import type { EventRecorder } from '../../lib/client/events.ts';
import type { Indexers, Informer, Lister } from '../../lib/client/lister.ts';
import type { KubeClient, Resource } from '../../lib/client/port.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Controller } from './controller.ts';
import type { ClusterOptions } from './options.ts';

/** What a controller is made from. */
export interface ControllerContext {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** 0 to 1, as Math.random. */
  readonly random: () => number;
  readonly recorder: EventRecorder;
  readonly cluster: ClusterOptions;
  /**
   * A view of a resource's objects. Before each reconcile of the controller that asked for it, it is brought up to
   * everything acknowledged so far.
   */
  readonly lister: <T extends KubeObject>(resource: Resource<T>, options?: ListerOptions<T>) => Lister<T>;
  /** The informer itself, for a controller that catches up by itself and only where it has to. */
  readonly informer: <T extends KubeObject>(resource: Resource<T>, indexers?: Indexers<T>) => Informer<T>;
  /** Puts a key of this controller into the queue: for what follows from a reconcile, not from a change. */
  readonly enqueue: (key: string) => void;
}

export interface ListerOptions<T extends KubeObject> {
  indexers?: Indexers<T>;
}

/** A controller as the composition root lists it. */
export interface ControllerEntry {
  /** The queue's, the metrics' and the `--controllers` flag's name. */
  readonly name: string;
  /** `source.component` of its events. */
  readonly component: string;
  /** Keys worked on at once. Default 5. */
  readonly concurrency?: number;
  /** How often a request of its is sent again by itself; 0 for one that asks again at a time of its own. Default 5. */
  readonly maxRetries?: number;
  /** May ask the API server first what there is to control. */
  create(context: ControllerContext): Controller | Promise<Controller>;
}
