import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { UserInfo } from '../../lib/http/types.ts';

/** Who is at the other end, by a certificate that the cluster's CA has signed; undefined: nobody we know. */
export function userOf(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized) return undefined;
  const { raw } = socket.getPeerCertificate();
  if (!raw) return undefined;
  const certificate = new X509Certificate(raw);
  // A server's certificate does not say who calls.
  if (!certificate.keyUsage?.includes('1.3.6.1.5.5.7.3.2')) return undefined;
  const names = certificate.subject.split('\n');
  const all = (attribute: string) =>
    names.filter((line) => line.startsWith(`${attribute}=`)).map((line) => line.slice(attribute.length + 1));
  const [username] = all('CN');
  return username ? { username, groups: [...all('O'), 'system:authenticated'] } : undefined;
}

/** What kubelet asks about a request: the verb, and the subresource of the Node that the path belongs to. */
export interface NodeAccess {
  verb: 'get' | 'create' | 'update' | 'patch' | 'delete';
  path: string;
  subresource: 'proxy' | 'stats' | 'log' | 'metrics' | 'pods' | 'healthz';
}

export function accessOf(method: string, path: string): NodeAccess {
  const verbs = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;
  const verb = verbs[method as keyof typeof verbs] ?? 'get';
  const first = path.split('/', 2)[1];
  const subresource =
    first === 'stats' ? 'stats' : first === 'metrics' ? 'metrics' : first === 'logs' ? 'log' : 'proxy';
  return { verb, path, subresource };
}
