/** TLS bootstrapping: a machine that holds a bootstrap token becomes a node that holds a certificate. */
import { X509Certificate } from 'node:crypto';
import type { CertifiedKey } from '../../lib/certificates/index.ts';
import { createHttpsTransport, type HttpsTransportOptions } from '../../lib/client/https.ts';
import { createKubeClient } from '../../lib/client/kube-client.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { configMaps, nodes } from '../../lib/client/resources.ts';
import { BrokenConnection } from '../../lib/client/transport.ts';
import type { Clock } from '../../lib/clock.ts';
import { isKind } from '../../lib/errors.ts';
import { askForCertificate, type CertificateFile, clientCertificateOf } from '../identity/index.ts';
import type { Discovered } from './discovery.ts';

/** What a node must know of its cluster beside the API, as `kube-system/kumulus-node-config` has it. */
export interface ClusterFacts {
  clusterDns: string[];
  clusterDomain: string;
  clusterCidrs: string[];
  serviceCidrs: string[];
}

export const nodeConfigMap = { namespace: 'kube-system', name: 'kumulus-node-config' };

export interface JoinEnvironment {
  clock: Clock;
  random: () => number;
  signal: AbortSignal;
}

const requestTimeoutMs = 15_000;
/** kubeadm's: how long the first certificate is waited for. */
const answerWithinMs = 5 * 60_000;

/** Whether the file holds a certificate that makes its holder this node now. */
export function isNodes(file: CertificateFile, nodeName: string, nowMs: number): boolean {
  const pair = file.current();
  if (!pair) return false;
  const { subject, validToDate } = new X509Certificate(pair.certificate);
  return subject.split('\n').includes(`CN=system:node:${nodeName}`) && nowMs < validToDate.getTime();
}

/** @throws Error that says what is to be done: for a token that opens nothing, a node that is there, nobody who answers */
export async function bootstrapCertificate(
  { server, ca }: Discovered,
  token: string,
  { nodeName, file }: { nodeName: string; file: CertificateFile },
  environment: JoinEnvironment,
): Promise<void> {
  await connected({ server, ca, token: { value: token } }, environment, async (client) => {
    await refuseTaken(client, nodeName);
    await askForCertificate(client, file, clientCertificateOf(nodeName), {
      ...environment,
      withinMs: answerWithinMs,
    });
  });
}

/** As the node itself. */
export async function readClusterFacts(
  { server, ca }: Discovered,
  pair: CertifiedKey,
  environment: JoinEnvironment,
): Promise<ClusterFacts> {
  const clientCertificate = { cert: pair.certificate, key: pair.key };
  return await connected({ server, ca, clientCertificate }, environment, async (client) => {
    const { data = {} } = await client.get(configMaps, nodeConfigMap);
    const list = (key: string) => (data[key] ?? '').split(',').filter(Boolean);
    return {
      clusterDns: list('clusterDns'),
      clusterDomain: data['clusterDomain'] ?? '',
      clusterCidrs: list('clusterCidrs'),
      serviceCidrs: list('serviceCidrs'),
    };
  });
}

/** As `kubeadm join`: a second machine under the name of one that works would be one node with two minds. */
async function refuseTaken(client: KubeClient, nodeName: string): Promise<void> {
  try {
    const { status } = await client.get(nodes, { name: nodeName });
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status !== 'True') return;
  } catch (error) {
    if (isKind(error, 'NotFound')) return;
    throw error;
  }
  throw new Error(
    `a Node with name "${nodeName}" and status "Ready" already exists in the cluster. Delete it (kubectl delete node ${nodeName}), or take another name: --node-name`,
  );
}

async function connected<T>(
  options: HttpsTransportOptions,
  { clock, random, signal }: JoinEnvironment,
  work: (client: KubeClient) => Promise<T>,
): Promise<T> {
  const { transport, close } = createHttpsTransport(options);
  try {
    const settings = { clock, random, signal, requestTimeoutMs, userAgent: 'kumulus-node-join' };
    return await work(createKubeClient(transport, settings));
  } catch (error) {
    if (error instanceof BrokenConnection) {
      throw new Error(`nobody answers at ${options.server}: ${error.message}`, { cause: error });
    }
    if (options.token && isKind(error, 'Unauthorized')) {
      const message =
        'the token opens nothing: it has expired, was deleted, or was never made. Make another: kumulus node token create';
      throw new Error(message, { cause: error });
    }
    throw error;
  } finally {
    close();
  }
}
