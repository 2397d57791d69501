/** How the agent reaches the API server, and as whom: by a client certificate, or on AWS as the IAM role of its machine. */
import { readFile } from 'node:fs/promises';
import { createIamTokenSource } from '../lib/aws/iam-token-source.ts';
import { createHttpsTransport, type HttpsTransport } from '../lib/client/https.ts';
import type { Clock } from '../lib/clock.ts';
import { KumulusError } from '../lib/errors.ts';
import type { CertificateFile } from './identity/index.ts';
import { type Checks, checked, optional, path, startsWith } from './config-check.ts';

export interface ApiServerAccess {
  /** The API server: `https://10.0.0.1:6443`; a path in it is a prefix. */
  server: string;
  /** PEM file: who the API server must be signed by. Absent: the system's authorities. */
  certificateAuthority?: string;
  /** PEM files: who the agent is (`system:node:<name>`, `system:nodes`). Absent with `iam`. */
  clientCertificate?: string;
  clientKey?: string;
  /** Absent with a certificate. Credentials come from where every AWS program has them: on EC2 from the instance's role. */
  iam?: IamAccess;
}

export interface IamAccess {
  /** The stack's name, which tokens are signed for. */
  cluster: string;
  region: string;
  /** Absent: AWS' own of the region. */
  stsUrl?: string;
}

const text = startsWith('');
const iamChecks: Checks<IamAccess> = {
  cluster: text,
  region: text,
  stsUrl: optional(startsWith('https://')),
};

export const apiServerChecks: Checks<ApiServerAccess> = {
  server: startsWith('https://'),
  certificateAuthority: optional(path),
  clientCertificate: optional(path),
  clientKey: optional(path),
  iam: optional((value) => {
    try {
      checked<IamAccess>(value, iamChecks);
      return undefined;
    } catch (error) {
      return error instanceof KumulusError ? error.message : String(error);
    }
  }),
};

/** @throws KumulusError Invalid for an agent that is nobody, or two. */
export function checkIdentity({ clientCertificate, clientKey, iam }: ApiServerAccess): void {
  const wrong = (message: string) => new KumulusError('Invalid', message);
  if (iam && (clientCertificate ?? clientKey))
    throw wrong('iam: Forbidden: may not be given together with clientCertificate');
  if (!iam && !clientCertificate) throw wrong('clientCertificate: Required value: or iam');
  if (!iam && !clientKey) throw wrong('clientKey: Required value: with clientCertificate');
}

/**
 * Where each request at once is a function of its own: those that are warm answer the next sooner than as many cold ones
 * answer all, and cost less.
 */
const requestsAtOnceOnAws = 8;

/** @param kept the client certificate where it is replaced while the agent runs */
export async function connectApiServer(
  access: ApiServerAccess,
  clock: Clock,
  kept?: CertificateFile,
): Promise<HttpsTransport> {
  const { server, certificateAuthority, clientCertificate, clientKey, iam } = access;
  return createHttpsTransport({
    server,
    ...(iam && { maxConnections: requestsAtOnceOnAws }),
    ...(certificateAuthority && { ca: await readFile(certificateAuthority) }),
    ...(clientCertificate &&
      clientKey && {
        clientCertificate: { cert: await readFile(clientCertificate), key: await readFile(clientKey) },
      }),
    ...(kept && {
      clientCertificate: () => {
        const pair = kept.current();
        return pair && { cert: pair.certificate, key: pair.key };
      },
    }),
    ...(iam && { token: { provide: await iamTokens(iam, clock) } }),
    clock,
  });
}

/** The SDK finds the credentials; it is loaded where it is needed. */
async function iamTokens(iam: IamAccess, clock: Clock): Promise<() => Promise<string>> {
  const { STSClient } = await import('@aws-sdk/client-sts');
  const client = new STSClient({ region: iam.region });
  return createIamTokenSource({ ...iam, credentials: () => client.config.credentials(), clock });
}
