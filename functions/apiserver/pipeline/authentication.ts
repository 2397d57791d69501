/**
 * Who is asking: an in-process part of the control plane, the holder of a client certificate (CN is the user, O the
 * groups), or of a service account token. Nobody else gets past here, except to look whether the server lives.
 */
import { X509Certificate } from 'node:crypto';
import { unauthorized } from '../../../lib/api/status.ts';
import { isKind } from '../../../lib/errors.ts';
import type { ApiRequest, UserInfo } from '../../../lib/http/types.ts';
import type { RequestContext, Stage } from './context.ts';

/** Resolves a bearer token to its user; undefined when the token is not one of this authenticator's, or not good. */
export interface TokenAuthenticator {
  /** `audiences`: whom the token must be meant for, one at least; absent: this API server. */
  authenticate(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined>;
}

export interface AuthenticatedToken {
  user: UserInfo;
  /** Those of the audiences asked for that the token is meant for. */
  audiences: string[];
}

export const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

/** What may be read without credentials: `system:public-info-viewer` of upstream's bootstrap policy. */
const publicPaths = /^\/(healthz|livez|readyz|version)(\/|$)/;

export function authentication(tokens: TokenAuthenticator): Stage {
  return async (context, next) => {
    context.user = withAuthenticatedGroup(await identify(context, tokens));
    return next();
  };
}

async function identify(context: RequestContext, tokens: TokenAuthenticator): Promise<UserInfo> {
  const { request, info } = context;
  if (request.peer.via === 'process') return request.peer.user;
  const certificate = request.peer.via === 'tls' ? request.peer.clientCertificate : undefined;
  if (certificate) {
    const user = userOfCertificate(certificate);
    if (user) return user;
  }
  const token = bearerToken(request);
  if (token !== undefined) {
    const user = await tokens.authenticate(token).catch((error: unknown) => {
      if (isKind(error, 'Unauthorized')) return undefined;
      throw error;
    });
    if (user) return user.user;
    throw unauthorized();
  }
  if (!info.isResourceRequest && publicPaths.test(info.path)) return anonymous;
  throw unauthorized();
}

export function withAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.groups.includes('system:authenticated') || user.groups.includes('system:unauthenticated'))
    return user;
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}

/** Parsing a certificate costs more than most requests; a connection has the same bytes for its life. */
const parsedCertificates = new WeakMap<Uint8Array, UserInfo>();

function userOfCertificate(der: Uint8Array): UserInfo | undefined {
  const known = parsedCertificates.get(der);
  if (known) return known;
  const certificate = new X509Certificate(der);
  const subject = certificate.toLegacyObject().subject as { CN?: string | string[]; O?: string | string[] };
  // Go takes the last common name where there are several.
  const username = [subject.CN ?? []].flat().at(-1);
  if (!username) return undefined;
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const user = withAuthenticatedGroup({
    username,
    groups: [subject.O ?? []].flat(),
    extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
  });
  parsedCertificates.set(der, user);
  return user;
}

/** From `Authorization`, or for browsers from a WebSocket subprotocol `base64url.bearer.authorization.k8s.io.<token>`. */
function bearerToken(request: ApiRequest): string | undefined {
  const [scheme, token] = (request.headers.authorization ?? '').trim().split(/\s+/, 2);
  if (scheme?.toLowerCase() === 'bearer' && token) return token;
  const prefix = 'base64url.bearer.authorization.k8s.io.';
  for (const protocol of (request.headers['sec-websocket-protocol'] ?? '').split(',')) {
    const name = protocol.trim();
    if (name.startsWith(prefix)) return Buffer.from(name.slice(prefix.length), 'base64url').toString();
  }
  return undefined;
}
