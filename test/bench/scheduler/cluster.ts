import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiServer, createApiServer } from '../../../functions/apiserver/index.ts';
import type { Node, Pod, PodSpec } from '../../../lib/api/gen/types.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { nodes, pods, serviceAccounts } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { isKind } from '../../../lib/errors.ts';
import { createLogger } from '../../../lib/log.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import type { Store } from '../../../lib/store/port.ts';
import { openPki } from '../../../localstack/embedded/pki.ts';

/** The real store and API server in this process, without anything that acts on what is in them; `open` opens another store. */
export async function startControlPlane(directory?: string, open?: () => Store) {
  const dir = directory ?? (await mkdtemp(join(tmpdir(), 'kumulus-scheduler-')));
  const clock = systemClock;
  const log = createLogger('control-plane', 'error');
  const pki = await openPki(dir, clock);
  const store = open ? open() : await openEmbeddedStore({ dir: join(dir, 'store'), clock, log });
  const serve = async () =>
    createApiServer({
      store,
      clock,
      log,
      serviceCidr: '10.96.0.0/16',
      nodePortRange: '30000-32767',
      advertise: { address: '10.0.0.1', port: 6443 },
      serviceAccounts: { issuer: 'https://kubernetes.default.svc', signingKey: pki.serviceAccountKey },
      clusterCa: pki.ca.certificate,
      nodeClient: await pki.certificate('apiserver-kubelet-client', {
        subject: { commonName: 'kube-apiserver-kubelet-client' },
        usages: ['client'],
      }),
    });
  const servers = [await serve()];
  const clientOf = (server: ApiServer | undefined, username: string, groups: string[] = []): KubeClient => {
    if (!server) throw new Error('no API server');
    return createInProcessClient(server.handle, { username, groups: [...groups, 'system:authenticated'] });
  };
  const admin = clientOf(servers[0], 'admin', ['system:masters']);
  await ensureServiceAccount(admin);
  return {
    admin,
    store,
    scheduler: clientOf(servers[0], 'system:kube-scheduler'),
    /** Somebody who may do what the default roles let him. */
    user: (username: string) => clientOf(servers[0], username),
    /** The scheduler's client of one more API server over the same store, as another process would have it. */
    async anotherScheduler() {
      const server = await serve();
      servers.push(server);
      return clientOf(server, 'system:kube-scheduler');
    },
    async close({ keep = false }: { keep?: boolean } = {}) {
      for (const server of servers) await server.close();
      await store.close();
      if (!keep) await rm(dir, { recursive: true });
    },
  };
}

/** Pods are admitted only where there is a service account; its controller does not run here. */
async function ensureServiceAccount(admin: KubeClient): Promise<void> {
  try {
    await admin.create(serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
  } catch (error) {
    if (!isKind(error, 'AlreadyExists')) throw error;
  }
}

export interface NodeTemplate {
  labels?: (index: number) => Record<string, string>;
  allocatable?: Record<string, string>;
}

/** The node of upstream's scheduler_perf: 4 CPUs, 32Gi, 110 pods. */
export async function createNodes(
  admin: KubeClient,
  count: number,
  template: NodeTemplate = {},
): Promise<void> {
  const amounts = template.allocatable ?? { cpu: '4', memory: '32Gi', pods: '110' };
  await inParallel(count, async (index) => {
    const name = `node-${index}`;
    const labels = { 'kubernetes.io/hostname': name, ...template.labels?.(index) };
    const node: Node = {
      metadata: { name, labels },
      spec: {},
      status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] },
    };
    const created = await admin.create(nodes, node);
    await admin.update(nodes, { ...created, spec: {}, status: node.status }, { subresource: 'status' });
    // A new node is tainted as not ready until a controller, which does not run here, sees its condition.
    await admin.patch(nodes, { name }, { type: 'merge', patch: { spec: { taints: null } } });
  });
}

export interface PodTemplate {
  prefix: string;
  labels?: Record<string, string>;
  spec?: Partial<PodSpec>;
  requests?: Record<string, string>;
}

export function podOf(template: PodTemplate, index: number): Pod {
  const requests = template.requests ?? { cpu: '100m', memory: '500Mi' };
  return {
    metadata: { name: `${template.prefix}-${index}`, namespace: 'default', labels: template.labels },
    spec: {
      containers: [{ name: 'pause', image: 'registry.k8s.io/pause:3.10', resources: { requests } }],
      ...template.spec,
    },
  };
}

/** With `nodeCount`, on the nodes already, on each as many. */
export async function createPods(
  admin: KubeClient,
  count: number,
  template: PodTemplate,
  nodeCount?: number,
): Promise<void> {
  await inParallel(count, async (index) => {
    const pod = podOf(template, index);
    if (nodeCount !== undefined) pod.spec.nodeName = `node-${index % nodeCount}`;
    await admin.create(pods, pod);
  });
}

async function inParallel(count: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}
