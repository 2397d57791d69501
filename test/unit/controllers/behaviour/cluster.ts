import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import { createApiServer } from '../../../../functions/apiserver/index.ts';
import { controllerClients } from '../../../../functions/controllers/accounts.ts';
import { type RunningControllers, startControllers } from '../../../../functions/controllers/index.ts';
import type { ClusterOptions } from '../../../../functions/controllers/options.ts';
import { createInProcessClient } from '../../../../lib/client/in-process.ts';
import { createInformers, type Informers } from '../../../../lib/client/informers.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { type Clock, systemClock } from '../../../../lib/clock.ts';
import { createLogger } from '../../../../lib/log.ts';
import { openEmbeddedStore } from '../../../../lib/store/embedded/index.ts';
import { createSteppedClock, type SteppedClock } from '../../../support/stepped-clock.ts';
import { apiServerOptions } from './api-server-options.ts';

export interface TestCluster {
  client: KubeClient;
  /** A client of somebody else. */
  as(user: { username: string; groups: string[] }): KubeClient;
  informers: Informers;
  clock: SteppedClock;
  controllers: RunningControllers;
  /** Stops the controllers as a kill would leave the world, and starts them anew. */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestClusterOptions {
  controllers?: readonly string[];
  cluster?: Partial<ClusterOptions>;
  /** What the controllers write through. */
  wrap?: (client: KubeClient) => KubeClient;
  /** What their informers read through. */
  wrapReads?: (client: KubeClient) => KubeClient;
  metrics?: Registry;
}

/** The real API server on the real embedded store, and controllers whose time is stepped. */
export async function openCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const log = createLogger('test', (process.env['TEST_LOG'] as 'debug' | undefined) ?? 'silent');
  const clock = createSteppedClock();
  // What waits inside the server and the informers is no part of the controllers' time; what they date is.
  const dated: Clock = { now: clock.now, sleep: systemClock.sleep };
  const dir = await mkdtemp(join(tmpdir(), 'kumulus-controllers-'));
  const store = await openEmbeddedStore({ dir, clock: dated, log });
  const server = await createApiServer(await apiServerOptions({ store, clock: dated, log }));
  const client = createInProcessClient(server.handle, {
    username: 'system:admin',
    groups: ['system:masters', 'system:authenticated'],
  });
  const clients = controllerClients(server.handle);
  const reading = new AbortController();
  const informers = createInformers(client, { clock: dated, log });
  await informers.start(reading.signal);
  let stopping = new AbortController();

  const start = () => {
    stopping = new AbortController();
    return startControllers({
      client: clients.client,
      clientFor: (name, how) => options.wrap?.(clients.clientFor(name, how)) ?? clients.clientFor(name, how),
      // Each start reads the world again, as a new process would.
      informers: startedInformers(stopping.signal),
      clock,
      log,
      signal: stopping.signal,
      controllers: options.controllers,
      cluster: options.cluster,
      ...(options.metrics && { metrics: options.metrics }),
    });
  };
  function startedInformers(signal: AbortSignal): Informers {
    const reads = options.wrapReads?.(clients.client) ?? clients.client;
    const own = createInformers(reads, { clock: dated, log });
    own.start(signal).catch(() => undefined);
    return own;
  }
  async function stop(): Promise<void> {
    stopping.abort(new Error('the test stops the controllers'));
    await cluster.controllers.stopped;
  }

  const cluster: TestCluster = {
    client,
    as: ({ username, groups }) =>
      createInProcessClient(server.handle, { username, groups: [...groups, 'system:authenticated'] }),
    informers,
    clock,
    controllers: await start(),
    async restart() {
      await stop();
      cluster.controllers = await start();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      reading.abort(new Error('the test is over'));
      await server.close();
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return cluster;
}
