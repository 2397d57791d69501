import { setImmediate } from 'node:timers/promises';
import type { Pod } from '../../../lib/api/gen/types.ts';
import { type HostPort, hostPortsMeet, hostPortsOf } from '../../../lib/api/host-ports.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import {
  addResources,
  amount,
  noResources,
  podRequests,
  type Resources,
} from '../../../lib/api/pod-resources.ts';
import { internal } from '../../../lib/api/status.ts';
import type { Clock } from '../../../lib/clock.ts';
import { isKind } from '../../../lib/errors.ts';
import type { CachedEvent, CacheWatch, WatchCache } from '../../../lib/store/cache/index.ts';

/**
 * What the pods on each node ask for, kept from the log of pods. Begins with the first question: a process that is not
 * asked (most Lambdas are not) keeps nothing.
 */
export interface NodeLoads {
  /** Runs when those who came earlier for the same node are done: within this process, bindings to a node take turns. */
  inTurn<T>(nodeName: string, run: () => Promise<T>): Promise<T>;
  /** Resolves when everything that was acknowledged before the call is counted. */
  catchUp(): Promise<void>;
  /**
   * What the node would lack with the pod on it, of the named resources: `cpu`, `pods`, …; `host-ports` when another pod has
   * one of the pod's. With `before`, only pods that
   * came to the node below that revision of pods count.
   */
  shortages(
    pod: Persisted<Pod>,
    nodeName: string,
    allocatable: { resources: Resources; pods: number },
    names: readonly string[],
    before?: number,
  ): string[];
}

interface Load {
  nodeName: string;
  /** The revision at which the pod came to the node; 0 for what was there when counting began. */
  since: number;
  requested: Resources;
  hostPorts: readonly HostPort[];
}

/** How long the count may be behind what the cache holds; it is a few turns of the event loop. */
const catchUpMs = 10_000;
const nodeNameField = '"nodeName":"';
const resource = 'pods';
/** Stands among names of resources, none of which it is: those of a node's own are known, others have a slash. */
const hostPortsName = 'host-ports';

export function createNodeLoads(options: {
  cache: WatchCache;
  clock: Clock;
  closing: AbortSignal;
}): NodeLoads {
  const { cache, clock, closing } = options;
  const byPod = new Map<string, Load>();
  const byNode = new Map<string, Map<string, Load>>();
  const turns = new Map<string, Promise<unknown>>();
  let watching: Promise<CacheWatch> | undefined;

  function leave(key: string): void {
    const load = byPod.get(key);
    if (!load) return;
    byPod.delete(key);
    const pods = byNode.get(load.nodeName);
    pods?.delete(key);
    if (pods?.size === 0) byNode.delete(load.nodeName);
  }

  function apply(event: CachedEvent, isInitial: boolean): void {
    const { key } = event;
    const bytes = Buffer.from(event.json.buffer, event.json.byteOffset, event.json.byteLength);
    // Not the shared parsed object: that one would be kept for as long as the pod is.
    const pod =
      event.type !== 'DELETED' && bytes.includes(nodeNameField)
        ? (JSON.parse(bytes.toString()) as Pod)
        : undefined;
    const nodeName = pod?.spec.nodeName;
    const isOver = pod?.status?.phase === 'Succeeded' || pod?.status?.phase === 'Failed';
    if (!pod || !nodeName || isOver) return leave(key);
    const known = byPod.get(key);
    const since = isInitial ? 0 : known?.nodeName === nodeName ? known.since : event.revision;
    leave(key);
    const load: Load = {
      nodeName,
      since,
      requested: podRequests(pod).requested,
      hostPorts: hostPortsOf(pod),
    };
    byPod.set(key, load);
    const pods = byNode.get(nodeName) ?? new Map<string, Load>();
    pods.set(key, load);
    byNode.set(nodeName, pods);
  }

  /** Counts until the server closes; begins anew, from nothing, when it fell behind. */
  async function begin(): Promise<CacheWatch> {
    byPod.clear();
    byNode.clear();
    const watch = await cache.watch(resource, { from: 'consistent', signal: closing });
    const counted = Promise.withResolvers<void>();
    const ended = count(watch, counted.resolve);
    ended.catch((error: unknown) => {
      watching = undefined;
      counted.reject(error);
    });
    await counted.promise;
    return watch;
  }

  async function count(watch: CacheWatch, hasBegun: () => void): Promise<void> {
    let isInitial = true;
    for await (const { events, initialEventsEnd } of watch) {
      for (const event of events) apply(event, isInitial);
      if (initialEventsEnd) {
        isInitial = false;
        hasBegun();
      }
    }
  }

  async function reach(): Promise<void> {
    const watch = await (watching ??= begin());
    // Nothing has this prefix: only the revision is asked for.
    const { revision } = await cache.list(resource, { prefix: '\0', freshness: 'consistent' });
    const deadline = clock.now() + catchUpMs;
    while (watch.revision() < revision) {
      await setImmediate();
      if (clock.now() > deadline) throw internal('the pods on nodes could not be counted in time');
    }
  }

  return {
    async inTurn(nodeName, run) {
      const before = turns.get(nodeName) ?? Promise.resolve();
      const turn = before.then(run, run);
      const settled = turn.then(
        () => undefined,
        () => undefined,
      );
      turns.set(nodeName, settled);
      try {
        return await turn;
      } finally {
        if (turns.get(nodeName) === settled) turns.delete(nodeName);
      }
    },
    async catchUp() {
      try {
        await reach();
      } catch (error) {
        if (!isKind(error, 'Expired')) throw error;
        await reach();
      }
    },
    shortages(pod, nodeName, allocatable, names, before = Number.POSITIVE_INFINITY) {
      const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
      const sum = noResources();
      let pods = 1;
      const ports = names.includes(hostPortsName) ? hostPortsOf(pod) : [];
      let portTaken = false;
      for (const [other, { since, requested, hostPorts }] of byNode.get(nodeName) ?? []) {
        if (other === key || since >= before) continue;
        addResources(sum, requested);
        pods++;
        portTaken ||= ports.some((port) => hostPorts.some((taken) => hostPortsMeet(port, taken)));
      }
      const wanted = podRequests(pod).requested;
      return names.filter((name) => {
        if (name === 'pods') return pods > allocatable.pods;
        if (name === hostPortsName) return portTaken;
        const more = amount(wanted, name);
        return more > 0 && amount(sum, name) + more > amount(allocatable.resources, name);
      });
    },
  };
}
