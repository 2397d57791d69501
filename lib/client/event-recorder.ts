import type { CoreV1Event } from '../api/gen/types.ts';
import type { KubeObject } from '../api/object.ts';
import { type Clock, rfc3339 } from '../clock.ts';
import { isKind, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { createEventCorrelator, type Repeatable } from './event-correlator.ts';
import type { EventRecorder } from './events.ts';
import type { KubeClient } from './port.ts';
import { events } from './resources.ts';

export interface EventRecorderOptions {
  /** `source.component` and `reportingComponent`: `default-scheduler`. */
  component: string;
  /** `source.host` and `reportingInstance`: the node's name, for a node agent. */
  host?: string;
  clock: Clock;
  log: Logger;
  /** Events that wait to be written; past it the oldest are dropped. Default 1000. */
  bufferLimit?: number;
  /** Writes under way at once. Events of one reason about one object never are. Default 4. */
  writers?: number;
}

export interface BufferedEventRecorder extends EventRecorder {
  /** Resolves when everything recorded before the call is written or given up. */
  flush(): Promise<void>;
}

/** Writes Events behind its callers' backs, a few at a time, with client-go's correlation in between. */
export function createEventRecorder(
  client: KubeClient,
  options: EventRecorderOptions,
): BufferedEventRecorder {
  const { component, host, clock, log } = options;
  const bufferLimit = options.bufferLimit ?? 1_000;
  const maxWriters = options.writers ?? 4;
  const correlator = createEventCorrelator(clock);
  const buffer: CoreV1Event[] = [];
  const writing = new Map<string, Promise<void>>();
  const idle = new Set<() => void>();
  let writers = 0;
  let dropped = 0;
  let sequence = 0;

  function build(
    about: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    fieldPath: string | undefined,
  ): CoreV1Event {
    const now = clock.now();
    const { name = '', namespace, uid, resourceVersion } = about.metadata;
    const at = rfc3339(now);
    // Upstream's suffix is the time in nanoseconds; a counter stands for what our clock cannot tell apart.
    const suffix = (BigInt(Math.trunc(now)) * 1_000_000n + BigInt(sequence++ % 1_000_000)).toString(16);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${suffix}`, namespace: namespace || 'default' },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name,
        namespace,
        uid,
        resourceVersion,
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      reason,
      message,
      type,
      source: host === undefined ? { component } : { component, host },
      reportingComponent: component,
      reportingInstance: host ?? '',
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    };
  }

  async function create(key: string, event: CoreV1Event): Promise<void> {
    const stored = await client.create(events, event);
    correlator.stored(key, stored);
  }

  async function write(item: Repeatable): Promise<void> {
    const { key, event } = item;
    if (item.op === 'create') return create(key, event);
    const { name = '', namespace } = event.metadata;
    const patch = { count: item.count, lastTimestamp: event.lastTimestamp, message: event.message };
    try {
      await client.patch(events, { namespace, name }, { type: 'strategic', patch });
    } catch (error) {
      // Events live for an hour; one that is gone begins anew under its own name, with the count it had reached.
      if (!isKind(error, 'NotFound')) throw error;
      correlator.forget(key);
      await create(key, event);
    }
  }

  async function handle(event: CoreV1Event): Promise<void> {
    try {
      const item = correlator.correlate(event);
      if (item.op !== 'drop') await write(item);
    } catch (error) {
      const { involvedObject: about, reason } = event;
      log.warn({ err: messageOf(error), object: about.name, reason }, 'an event could not be written');
    }
  }

  /** Like events follow one another: the second must find what became of the first. */
  async function drain(): Promise<void> {
    for (let event = buffer.shift(); event; event = buffer.shift()) {
      const like = [event.involvedObject.namespace, event.involvedObject.name, event.reason].join('/');
      const before = writing.get(like);
      const handled = event;
      const now = before ? before.then(() => handle(handled)) : handle(handled);
      writing.set(like, now);
      await now;
      if (writing.get(like) === now) writing.delete(like);
    }
  }

  function pump(): void {
    if (writers >= maxWriters || buffer.length === 0) return;
    writers++;
    drain()
      .catch((error: unknown) => log.error({ err: error }, 'writing events failed'))
      .finally(() => {
        writers--;
        if (buffer.length > 0) return pump();
        if (writers > 0) return;
        for (const wake of idle) wake();
        idle.clear();
      });
  }

  return {
    event(about, type, reason, message, fieldPath) {
      buffer.push(build(about, type, reason, message, fieldPath));
      if (buffer.length > bufferLimit) {
        buffer.shift();
        if (dropped++ % 1_000 === 0)
          log.warn({ dropped }, 'events come faster than they are written; the oldest are dropped');
      }
      pump();
    },
    flush: () =>
      writers === 0 && buffer.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            idle.add(resolve);
          }),
  };
}
