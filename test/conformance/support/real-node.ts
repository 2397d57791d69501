/** A cluster with a node that runs real containers, for the behaviours that only those show. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { afterAll, beforeAll } from 'vitest';
import { parse } from 'yaml';
import type { Container, ContainerStatus, Pod, PodSpec } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { createHttpsTransport, type HttpsTransport } from '../../../lib/client/https.ts';
import { createKubeClient } from '../../../lib/client/kube-client.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { pods } from '../../../lib/client/resources.ts';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { kumulus } from '../../support/hello.ts';
import { buildBusyboxImage } from '../../support/images.ts';
import { eventually } from '../../support/wait.ts';

/** BusyBox, whose default command says that it is. */
export const image = 'kumulus.test/busybox:1';
export const namespace = 'default';

export type Script = Omit<Container, 'name' | 'image'> & { script?: string };

export interface RealNode {
  cluster: TestCluster;
  client: KubeClient;
  /** Creates a pod that ends at once when it is told to, never starts again, and has a name of its own. */
  create(spec: PodSpec, metadata?: Pod['metadata']): Promise<string>;
  /** The pod, once `fits` says so. */
  until(name: string, what: string, fits: (pod: Persisted<Pod>) => unknown): Promise<Persisted<Pod>>;
  /** The pod, once it has ended. */
  ended(name: string): Promise<Persisted<Pod>>;
  logs(name: string, options?: { container?: string; tailLines?: number }): Promise<string>;
  /** What a container prints until it ends, without blanks around it; the pod must succeed. */
  outputOf(container: Script, spec?: Partial<PodSpec>, metadata?: Pod['metadata']): Promise<string>;
}

/** To be called at the top of a test file whose tests all need containers. */
export function useRealNode(): RealNode {
  let https: HttpsTransport | undefined;
  let serial = 0;
  const node = {
    create: async (spec, metadata) => {
      const name = `${metadata?.name ?? 'pod'}-${++serial}`;
      const defaults = { restartPolicy: 'Never', terminationGracePeriodSeconds: 1 };
      await node.client.create(pods, {
        metadata: { ...metadata, namespace, name },
        spec: { ...defaults, ...spec },
      });
      return name;
    },
    until: (name, what, fits) =>
      eventually(`${name}: ${what}`, async () => {
        const pod = await node.client.get(pods, { namespace, name });
        return fits(pod) ? pod : undefined;
      }),
    ended: (name) =>
      node.until(name, 'its end', ({ status }) => ['Succeeded', 'Failed'].includes(status?.phase ?? '')),
    async logs(name, { container, tailLines } = {}) {
      if (!https) throw new Error('the cluster has not started');
      const { status, body } = await https.transport({
        method: 'GET',
        path: `/api/v1/namespaces/${namespace}/pods/${name}/log`,
        query: new URLSearchParams({
          ...(container && { container }),
          ...(tailLines && { tailLines: String(tailLines) }),
        }),
        headers: {},
        body: undefined,
        signal: AbortSignal.timeout(60_000),
      });
      const text = (
        await buffer(Readable.from(body instanceof Uint8Array ? [body] : (body ?? [])))
      ).toString();
      if (status !== 200) throw new Error(`the logs of ${name}: ${status} ${text}`);
      return text;
    },
    async outputOf({ script, ...container }, spec, metadata) {
      const command = script === undefined ? undefined : ['sh', '-c', script];
      const app = { name: 'app', image, ...(command && { command }), ...container };
      const name = await node.create({ ...spec, containers: [app] }, metadata);
      const { status } = await node.ended(name);
      const printed = await node.logs(name);
      if (status?.phase !== 'Succeeded')
        throw new Error(`${name} failed: ${printed}${JSON.stringify(status)}`);
      return printed.trim();
    },
  } as RealNode;

  beforeAll(async () => {
    node.cluster = await startTestCluster();
    const archive = join(node.cluster.dataDir, 'busybox.tar');
    await buildBusyboxImage(archive, { name: image, cmd: ['echo', 'the default'] });
    await kumulus(['image', 'load', archive, '--data-dir', node.cluster.dataDir]);
    https = createHttpsTransport(credentialsIn(node.cluster.kubeconfig));
    node.client = createKubeClient(https.transport);
  });
  afterAll(async () => {
    https?.close();
    await node.cluster?.remove();
  });
  return node;
}

/** The status of the container `name`, of whichever sort it is. */
export function statusOf({ status }: Pod, name: string): ContainerStatus | undefined {
  return [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ].find((one) => one.name === name);
}

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

function credentialsIn(kubeconfig: string) {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
    users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
  };
  const [cluster] = clusters;
  const [user] = users;
  if (!cluster || !user) throw new Error(`${kubeconfig} names no cluster or no user`);
  const plain = (base64: string) => Buffer.from(base64, 'base64').toString();
  return {
    server: cluster.cluster.server,
    ca: plain(cluster.cluster['certificate-authority-data']),
    clientCertificate: {
      cert: plain(user.user['client-certificate-data']),
      key: plain(user.user['client-key-data']),
    },
  };
}
