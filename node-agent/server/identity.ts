import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { userOf } from '../../lib/certificates/user.ts';
import type { UserInfo } from '../../lib/http/types.ts';

/** What a caller may bring: a certificate that the cluster's CA has signed, or a bearer token. */
export interface Callers {
  /** Whose token it is, as the API server says; undefined: nobody's. */
  userOfToken(token: string): Promise<UserInfo | undefined>;
  now(): number;
}

/** Who asks; undefined: nobody we know. As kubelet, with a certificate that is good no token is looked at. */
export async function callerOf(
  { socket, headers }: IncomingMessage,
  { userOfToken, now }: Callers,
): Promise<UserInfo | undefined> {
  const user = userOfCertificate(socket as TLSSocket, now());
  if (user) return user;
  const [scheme, token] = (headers.authorization ?? '').trim().split(/\s+/, 2);
  return scheme?.toLowerCase() === 'bearer' && token ? await userOfToken(token) : undefined;
}

function userOfCertificate(socket: TLSSocket, nowMs: number): UserInfo | undefined {
  if (!socket.authorized) return undefined;
  const { raw } = socket.getPeerCertificate();
  if (!raw) return undefined;
  const certificate = new X509Certificate(raw);
  // A connection does not outlive the certificate that it was made with.
  if (nowMs < certificate.validFromDate.getTime() || nowMs > certificate.validToDate.getTime())
    return undefined;
  // A server's certificate does not say who calls.
  if (!certificate.keyUsage?.includes('1.3.6.1.5.5.7.3.2')) return undefined;
  const user = userOf(certificate);
  return user && { ...user, groups: [...user.groups, 'system:authenticated'] };
}

/**
 * What kubelet asks about a request: the verb, and the subresources of the Node that give leave for the path, the finest
 * first (KEP-2862): whoever may use `nodes/proxy` may use everything.
 */
export interface NodeAccess {
  verb: 'get' | 'create' | 'update' | 'patch' | 'delete';
  path: string;
  subresources: readonly string[];
}

const verbs = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;
const own: Readonly<Record<string, readonly string[]>> = {
  stats: ['stats'],
  metrics: ['metrics'],
  logs: ['log'],
  checkpoint: ['checkpoint'],
  pods: ['pods', 'proxy'],
  runningpods: ['pods', 'proxy'],
  healthz: ['healthz', 'proxy'],
  configz: ['configz', 'proxy'],
};

export function accessOf(method: string, path: string): NodeAccess {
  const verb = verbs[method as keyof typeof verbs] ?? 'get';
  const first = path.split('/', 2)[1] ?? '';
  return { verb, path, subresources: (Object.hasOwn(own, first) && own[first]) || ['proxy'] };
}
