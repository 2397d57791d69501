/** Asks the cluster for a certificate (CertificateSigningRequest), and waits until somebody has answered. */
import { createHash } from 'node:crypto';
import type { CertificateSigningRequest } from '../../lib/api/gen/types.ts';
import type { Subject } from '../../lib/certificates/index.ts';
import { createRequest, keyDigest, type RequestedNames } from '../../lib/certificates/request.ts';
import { backoffMs } from '../../lib/client/backoff.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { certificateSigningRequests } from '../../lib/client/resources.ts';
import type { Clock } from '../../lib/clock.ts';
import { isKind, KumulusError } from '../../lib/errors.ts';
import type { CertificateFile } from './certificate-file.ts';

export interface Wanted extends RequestedNames {
  signerName: string;
  subject: Subject;
  usage: 'client auth' | 'server auth';
}

/** What it will not be given: denied, or refused by the signer. */
export class NotGiven extends Error {}

export interface Patience {
  clock: Clock;
  random: () => number;
  /** How long an answer is waited for. */
  withinMs: number;
  signal: AbortSignal;
}

const poll = { baseMs: 50, maxMs: 5_000 };

/**
 * Puts a new certificate into the file. One request stands for one key and what is asked for it: a start after a kill goes
 * on waiting for the answer to the request that is there.
 * @throws NotGiven; KumulusError Timeout with the request's name when nobody has answered; what the API server says
 */
export async function askForCertificate(
  client: KubeClient,
  file: CertificateFile,
  wanted: Wanted,
  patience: Patience,
): Promise<void> {
  const key = await file.nextKey();
  const name = requestName(key, wanted);
  const { clock, random, withinMs, signal } = patience;
  const deadlineMs = clock.now() + withinMs;
  for (let attempt = 0; ; attempt++) {
    const { status = {} } = await ensureRequest(client, name, key, wanted);
    const refused = status.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
    if (refused) {
      file.abandon();
      const why = [refused.reason, refused.message].filter(Boolean).join(': ');
      throw new NotGiven(`certificate signing request ${name} was ${refused.type.toLowerCase()}: ${why}`);
    }
    if (status.certificate) {
      file.accept(Buffer.from(status.certificate, 'base64').toString());
      return;
    }
    if (clock.now() >= deadlineMs) {
      const message = `nobody has signed ${name} yet; who may can say: kubectl certificate approve ${name}`;
      throw new KumulusError('Timeout', message);
    }
    await clock.sleep(backoffMs(attempt, { ...poll, random }), signal);
  }
}

async function ensureRequest(
  client: KubeClient,
  name: string,
  key: string,
  { signerName, subject, usage, ...names }: Wanted,
): Promise<CertificateSigningRequest> {
  try {
    return await client.get(certificateSigningRequests, { name });
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
  }
  const request = await createRequest(key, subject, names);
  try {
    return await client.create(certificateSigningRequests, {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: {
        request: Buffer.from(request).toString('base64'),
        signerName,
        usages: ['digital signature', usage],
      },
    });
  } catch (error) {
    if (!isKind(error, 'AlreadyExists')) throw error;
    return await client.get(certificateSigningRequests, { name });
  }
}

/** The same for the same key and wishes. Nobody can take it before: the key is known to its owner alone until he asks. */
function requestName(key: string, wanted: Wanted): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([keyDigest(key), wanted]))
    .digest('hex');
  return `node-csr-${digest.slice(0, 40)}`;
}
