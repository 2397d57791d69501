/** One request for a pod's certificate (KEP-4317): made with a new key, and waited for until its signer has answered. */
import { X509Certificate } from 'node:crypto';
import type { Pod, PodCertificateProjection, PodCertificateRequest } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { pemBlocks } from '../../lib/certificates/pem.ts';
import { createPodKey } from '../../lib/certificates/pod-key.ts';
import { backoffMs } from '../../lib/client/backoff.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { podCertificateRequests, serviceAccounts } from '../../lib/client/resources.ts';
import type { Clock } from '../../lib/clock.ts';
import { KumulusError } from '../../lib/errors.ts';

/** A pod's key and the chain that it proves itself with, PEM. */
export interface Credentials {
  /** PKCS#8 */
  key: string;
  /** The pod's own certificate first. */
  chain: string;
}

export interface Issued {
  credentials: Credentials;
  /** When the signer would be asked for the next, and when it is too late; milliseconds since the epoch. */
  beginRefreshAtMs: number;
  notAfterMs: number;
}

/** What the signer will not give. */
export interface Refused {
  type: 'Denied' | 'Failed';
  request: string;
  reason: string;
  message: string;
}

export interface AskOptions {
  client: KubeClient;
  node: { name: string; uid: string };
  clock: Clock;
  random: () => number;
  signal: AbortSignal;
  /** Called each time that nobody has answered yet. */
  waiting?: () => void;
}

/** Nobody tells of answers; a signer that is there takes a moment, one that is not may take for ever. */
const poll = { baseMs: 100, maxMs: 15_000 };

/**
 * Makes a request and waits until it is answered, or the signal aborts.
 * @throws KumulusError what the API server says; NotFound when somebody deleted the request unanswered
 */
export async function askForPodCertificate(
  pod: Pod,
  projection: PodCertificateProjection,
  options: AskOptions,
): Promise<Issued | Refused> {
  const { client, clock, random, signal, waiting } = options;
  const { key, request } = await createPodKey(projection.keyType);
  let found = await makeRequest(pod, projection, request, options);
  const { namespace, name } = found.metadata;
  for (let attempt = 0; ; attempt++) {
    const answer = answerOf(found, key);
    if (answer) return answer;
    waiting?.();
    await clock.sleep(backoffMs(attempt, { ...poll, random }), signal);
    found = await client.get(podCertificateRequests, { namespace, name });
  }
}

async function makeRequest(
  { metadata, spec }: Pod,
  { signerName, maxExpirationSeconds, userAnnotations }: PodCertificateProjection,
  request: Buffer,
  { client, node }: AskOptions,
): Promise<Persisted<PodCertificateRequest>> {
  const { namespace, name: podName = '', uid: podUID = '' } = metadata;
  const { serviceAccountName = '' } = spec;
  const account = await client.get(serviceAccounts, { namespace, name: serviceAccountName });
  return await client.create(podCertificateRequests, {
    metadata: {
      namespace,
      generateName: 'req-',
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: podName, uid: podUID }],
    },
    spec: {
      signerName,
      podName,
      podUID,
      serviceAccountName,
      serviceAccountUID: account.metadata.uid,
      nodeName: node.name,
      nodeUID: node.uid,
      ...(maxExpirationSeconds !== undefined && { maxExpirationSeconds }),
      stubPKCS10Request: request.toString('base64'),
      ...(userAnnotations && { unverifiedUserAnnotations: userAnnotations }),
    },
  });
}

function answerOf(
  { metadata, status = {} }: Persisted<PodCertificateRequest>,
  key: string,
): Issued | Refused | undefined {
  for (const { type, reason, message } of status.conditions ?? []) {
    if (type === 'Denied' || type === 'Failed') {
      return { type, request: `${metadata.namespace}/${metadata.name}`, reason, message };
    }
    if (type !== 'Issued') continue;
    const { certificateChain = '', beginRefreshAt = '', notAfter = '' } = status;
    return {
      credentials: { key, chain: cleanChain(certificateChain) },
      beginRefreshAtMs: timeOf(beginRefreshAt),
      notAfterMs: timeOf(notAfter),
    };
  }
  return undefined;
}

function timeOf(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new KumulusError('InternalError', `the signer's answer has no time: "${text}"`);
  return ms;
}

/** Without headers of blocks, and what is said between them. */
function cleanChain(chain: string): string {
  return pemBlocks(chain)
    .filter(({ type }) => type === 'CERTIFICATE')
    .map(({ body }) => new X509Certificate(Buffer.from(body, 'base64')).toString())
    .join('');
}
