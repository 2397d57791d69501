/** A whole control plane in the test's process: what `kumulus up` starts, without its listener and its machines. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiServer } from '../../../functions/apiserver/index.ts';
import { controllerClients } from '../../../functions/controllers/accounts.ts';
import { startControllers } from '../../../functions/controllers/index.ts';
import { startScheduler } from '../../../functions/scheduler/index.ts';
import { createCa, createSigningKey, issueCertificate } from '../../../lib/certificates/index.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import { createInformers, type Informers } from '../../../lib/client/informers.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { namespaces, serviceAccounts } from '../../../lib/client/resources.ts';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import type { UserInfo } from '../../../lib/http/types.ts';
import { createLogger } from '../../../lib/log.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import { eventually } from '../../support/wait.ts';
import { type Call, requester } from './requests.ts';
import { startSimulatedNode } from './simulated-node.ts';
import { type Watching, watching } from './watching.ts';

export interface ControlPlane {
  client: KubeClient;
  informers: Informers;
  /** The administrator's requests, as they are on the wire. */
  call: Call;
  /** Another user's. */
  callAs(user: UserInfo): Call;
  /** Keeps every event of a watch until the test is over. */
  watch<T>(path: string, query?: Record<string, string>): Promise<Watching<T>>;
  /** A namespace of its own, with everything that the controllers put in one. */
  namespace(labels?: Record<string, string>): Promise<string>;
  close(): Promise<void>;
}

export interface ControlPlaneOptions {
  /** Simulated nodes: they write status, and run nothing. */
  nodes?: number;
  /** What all parts take for the time. Default the system's. */
  clock?: Clock;
}

const admin: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const clock = options.clock ?? systemClock;
  const log = createLogger('conformance', 'error');
  const dir = await mkdtemp(join(tmpdir(), 'kumulus-conformance-'));
  const store = await openEmbeddedStore({ dir, clock, log });
  const now = clock.now();
  const ca = await createCa({ commonName: 'conformance-ca', validityDays: 1, now });
  const subject = { commonName: 'kube-apiserver-kubelet-client' };
  const server = await createApiServer({
    store,
    clock,
    log,
    serviceCidr: '10.96.0.0/16',
    nodePortRange: '30000-32767',
    advertise: { address: '192.0.2.1', port: 6443 },
    serviceAccounts: {
      issuer: 'https://kubernetes.default.svc',
      signingKey: await createSigningKey(),
    },
    clusterCa: ca.certificate,
    nodeClient: await issueCertificate(ca, { subject, usages: ['client'], validityDays: 1, now }),
  });
  const stopping = new AbortController();
  const { signal } = stopping;
  const controllers = await startControllers({
    ...controllerClients(server.handle),
    clock,
    log,
    signal,
    cluster: { clusterCidr: '10.244.0.0/16', rootCa: ca.certificate },
  });
  const scheduler = { username: 'system:kube-scheduler', groups: ['system:authenticated'] };
  await startScheduler({ client: createInProcessClient(server.handle, scheduler), clock, log, signal });
  const client = createInProcessClient(server.handle, admin);
  const informers = createInformers(client, { clock, log });
  await informers.start(signal);
  for (let number = 1; number <= (options.nodes ?? 0); number++) {
    await startSimulatedNode({ client, informers, clock, log, signal, number });
  }
  const call = requester(server.handle, admin, signal);
  let count = 0;

  return {
    client,
    informers,
    call,
    callAs: (user) => requester(server.handle, user, signal),
    watch: (path, query) => watching(server.handle, admin, path, query ?? {}, signal),
    async namespace(labels) {
      const name = `test-${++count}`;
      await client.create(namespaces, { metadata: { name, ...(labels && { labels }) }, spec: {} });
      await eventually(`the default service account of ${name}`, () =>
        client.get(serviceAccounts, { namespace: name, name: 'default' }),
      );
      return name;
    },
    async close() {
      stopping.abort(new Error('the test is over'));
      await controllers.stopped;
      await server.close();
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
