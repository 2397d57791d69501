/**
 * Cluster DNS, answered on each node by the agent itself: the same informers that feed the Service proxy know every name, so
 * no pod, no hop and no further watch is needed. It listens on the DNS Service's own address, which the node
 * carries on its loopback interface; pods find it under the usual address whichever node they are on.
 */
import type { EndpointSlice, Service } from '../../lib/api/gen/types.ts';
import type { Lister } from '../../lib/client/lister.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { clusterView } from './cluster-view.ts';
import { createForwarder } from './forward.ts';
import { ensureAddresses } from './interface.ts';
import { createResolver } from './resolver.ts';
import { serveDns } from './server.ts';
import { createZone } from './zone.ts';

export { serviceIndexers, sliceIndexers } from './cluster-view.ts';

export interface DnsOptions {
  services: Lister<Service>;
  endpointSlices: Lister<EndpointSlice>;
  /** Resolves once the first lists are in memory; questions about the cluster fail before, so that clients ask again. */
  synced: Promise<unknown>;
  clusterDomain: string;
  /** The DNS Service's addresses. */
  addresses: readonly string[];
  port?: number;
  /** Name servers for everything else. */
  upstreams: readonly string[];
  clock: Clock;
  random: () => number;
  log: Logger;
  signal: AbortSignal;
}

/** Resolves once it listens; ends when the signal aborts. The addresses stay: the next start uses them again. */
export async function startDns(options: DnsOptions): Promise<{ stopped: Promise<void> }> {
  const { addresses, clock, random, log, signal } = options;
  let isSynced = false;
  options.synced.then(
    () => {
      isSynced = true;
    },
    // Whoever started the informers hears of it; here names stay unknown.
    () => undefined,
  );
  const zone = createZone({
    domain: options.clusterDomain,
    addresses,
    view: clusterView(options.services, options.endpointSlices),
  });
  // An upstream that is this very server would be asked in circles.
  const upstreams = options.upstreams.filter((upstream) => !addresses.includes(upstream));
  const forwarder = createForwarder({ upstreams, clock, random, log });
  const resolve = createResolver({ zone, forwarder, isSynced: () => isSynced, log });

  await ensureAddresses(addresses);
  const servers = await Promise.all(
    addresses.map((address) => serveDns({ address, port: options.port ?? 53, resolve, log })),
  );
  const stopped = new Promise<void>((done) => {
    const stop = () => void Promise.all(servers.map((server) => server.close())).then(() => done());
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  return { stopped };
}
