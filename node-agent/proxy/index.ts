import type { EndpointSlice, Node, Service } from '../../lib/api/gen/types.ts';
import { backoffMs } from '../../lib/client/backoff.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { HealthCheckServers, healthChecks } from './health-check.ts';
import type { CommandRunner } from './nft/observe.ts';
import type { NftFamily } from './nft/ruleset.ts';
import type { RulesOptions, ServiceState } from './ruleset.ts';
import { ServiceStore, type Source } from './service-store.ts';
import { TableSync } from './table-sync.ts';

export interface ServiceProxyOptions {
  informers: { services: Source<Service>; endpointSlices: Source<EndpointSlice>; nodes: Source<Node> };
  /** Resolves once the first lists are in memory: nothing is written before. */
  synced: Promise<unknown>;
  nodeName: string;
  /** Addresses that answer NodePorts and health checks: the node's own, never loopback. */
  nodeIps: readonly string[];
  /** Sources that count as pods (the cluster's pod range): their traffic to a clusterIP is not masqueraded. */
  podCidrs: readonly string[];
  /** Service addresses that this node answers by itself, as the cluster's DNS: no rules are made for them. */
  ownServiceIps?: readonly string[];
  /** Where given, traffic to an address in here that no Service has is dropped. */
  serviceCidrs?: readonly string[];
  mode: 'nftables';
  /** The one table (of family `ip`, and `ip6`) that the proxy owns. */
  tableName: string;
  families?: readonly NftFamily[];
  run: CommandRunner;
  clock: Clock;
  random: () => number;
  log: Logger;
  signal: AbortSignal;
  /** Changes within this time of the last write wait for its end and go together. Default 100 ms. */
  minSyncIntervalMs?: number;
  /** How often the kernel is compared in full. Default 5 min. */
  fullSyncIntervalMs?: number;
}

export interface ServiceProxy {
  /** Resolves once the rules for the first lists are in the kernel; rejects when the signal aborts before. */
  ready: Promise<void>;
  /** Resolves when the proxy has stopped, after the signal. The rules stay. */
  stopped: Promise<void>;
  /** Whether the last write succeeded. */
  isHealthy(): boolean;
  /** Removes the table; for a node that leaves the cluster. Call it when the proxy has stopped. */
  cleanup(): Promise<void>;
}

/** Changes that come together are written together: this long is waited for more of them. */
const coalesceMs = 10;

/** Keeps the kernel's rules for Services as kube-proxy's nftables mode does. See docs/services.md. */
export function startServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  const { clock, log, signal, informers } = options;
  const tables = (options.families ?? ['ip']).map((family) => ({
    family,
    sync: new TableSync({ family, name: options.tableName }, options.run, log),
  }));
  const ready = Promise.withResolvers<void>();
  // Whoever waits for it has the error; not everybody does.
  ready.promise.catch(() => undefined);
  let wake = Promise.withResolvers<void>();
  const store = new ServiceStore(informers.services, informers.endpointSlices, () => wake.resolve());
  let zone: string | undefined;
  informers.nodes.onChange(({ after }) => {
    if (after?.metadata.name === options.nodeName && zoneOf(after) !== zone) wake.resolve();
  });
  let healthy = false;
  const healthServers = new HealthCheckServers(options.nodeIps, () => healthy, log);

  const rulesOptions = (family: NftFamily): RulesOptions => ({
    family,
    node: { nodeName: options.nodeName, zone, nodeIps: options.nodeIps, podCidrs: options.podCidrs },
    ownServiceIps: options.ownServiceIps ?? [],
    serviceCidrs: options.serviceCidrs ?? [],
  });

  /** One pass: what changed goes into the rules, the rules into the kernel. */
  const syncOnce = async (full: boolean): Promise<void> => {
    const node = informers.nodes.get(options.nodeName);
    const nodeChanged = zoneOf(node) !== zone;
    zone = zoneOf(node);
    if (full) store.load();
    const dirty = store.takeDirty();
    const changed = new Map<string, ServiceState | undefined>();
    for (const key of dirty) changed.set(key, store.state(key));
    if (nodeChanged) {
      for (const state of store.states())
        changed.set(`${state.service.metadata.namespace}/${state.service.metadata.name}`, state);
    }
    healthServers.update(healthChecks(store.states(), options.nodeName));
    for (const { family, sync } of tables) sync.update(changed, rulesOptions(family));
    for (const { family, sync } of tables) {
      if (full) sync.forget();
      await sync.sync(rulesOptions(family), clock.now(), signal);
    }
  };

  const run = async (): Promise<void> => {
    await untilAborted(options.synced, signal);
    const minIntervalMs = options.minSyncIntervalMs ?? 100;
    const fullIntervalMs = options.fullSyncIntervalMs ?? 5 * 60_000;
    let lastFullMs = Number.NEGATIVE_INFINITY;
    let failures = 0;
    for (;;) {
      wake = Promise.withResolvers<void>();
      const full = failures > 0 || clock.now() - lastFullMs >= fullIntervalMs;
      let waitMs = minIntervalMs;
      try {
        await syncOnce(full);
        if (full) lastFullMs = clock.now();
        failures = 0;
        healthy = true;
        ready.resolve();
      } catch (error) {
        if (signal.aborted) throw error;
        healthy = false;
        waitMs = backoffMs(failures++, { baseMs: 500, maxMs: 30_000, random: options.random });
        log.error(
          { error: messageOf(error), retryInMs: Math.round(waitMs) },
          'service rules were not written',
        );
      }
      await clock.sleep(waitMs, signal);
      if (failures > 0) continue;
      const idleMs = lastFullMs + fullIntervalMs - clock.now();
      const staleAt = tables.flatMap(({ sync }) => sync.nextStaleAtMs() ?? []);
      const untilMs = Math.min(idleMs, ...staleAt.map((at) => at - clock.now()));
      await wakeOrTimeout(wake.promise, Math.max(0, untilMs), clock, signal);
      await clock.sleep(coalesceMs, signal);
    }
  };

  const stopped = run()
    .catch((error: unknown) => {
      if (!signal.aborted) log.fatal({ error: messageOf(error) }, 'the service proxy stopped');
      ready.reject(error);
    })
    .finally(() => healthServers.close());
  return {
    ready: ready.promise,
    stopped,
    isHealthy: () => healthy,
    cleanup: async () => {
      for (const { sync } of tables) await sync.cleanup(AbortSignal.timeout(30_000));
    },
  };
}

function zoneOf(node: Node | undefined): string | undefined {
  return node?.metadata.labels?.['topology.kubernetes.io/zone'];
}

async function wakeOrTimeout(
  wake: Promise<void>,
  ms: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const timer = pause(clock, ms, either);
  await Promise.race([wake, timer]);
  over.abort();
  await timer;
  signal.throwIfAborted();
}

async function untilAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
