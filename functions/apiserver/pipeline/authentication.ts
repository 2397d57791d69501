/**
 * Who is asking: an in-process part of the control plane, the holder of a client certificate, or of a bearer token. Who
 * brings neither is anonymous where that is allowed, and whatever is brought and not good is refused.
 */
import { unauthorized } from '../../../lib/api/status.ts';
import { isKind } from '../../../lib/errors.ts';
import type { ApiRequest, UserInfo } from '../../../lib/http/types.ts';
import { anonymous } from '../authentication/anonymous.ts';
import { userOfCertificate } from '../authentication/client-certificates.ts';
import type { RequestContext, Stage } from './context.ts';

/** Resolves a bearer token to its user; undefined when the token is not one of this authenticator's, or not good. */
export interface TokenAuthenticator {
  /**
   * `audiences`: whom the token must be meant for, one at least; absent: this API server. `connection` stands for that
   * on which it came.
   * @throws KumulusError Unauthorized for a token of this authenticator's that is not good
   */
  authenticate(
    token: string,
    audiences?: readonly string[],
    connection?: object,
  ): Promise<AuthenticatedToken | undefined>;
}

export interface AuthenticatedToken {
  user: UserInfo;
  /** Those of the audiences asked for that the token is meant for. */
  audiences: string[];
}

export interface Authentication {
  tokens: TokenAuthenticator;
  /** Whether a path (decoded) may be asked for without credentials. */
  allowsAnonymous: (path: string) => boolean;
}

export function authentication(options: Authentication, now: () => number): Stage {
  return async (context, next) => {
    context.user = withAuthenticatedGroup(await identify(context, options, now()));
    return next();
  };
}

async function identify(
  context: RequestContext,
  { tokens, allowsAnonymous }: Authentication,
  nowMs: number,
): Promise<UserInfo> {
  const { request, info } = context;
  if (request.peer.via === 'process') return request.peer.user;
  const certificate = request.peer.via === 'tls' ? request.peer.clientCertificate : undefined;
  const user = certificate && userOfCertificate(certificate, nowMs);
  if (user) return user;
  const bearer = bearerToken(request.headers) ?? webSocketToken(request.headers);
  if (bearer === undefined) {
    if (allowsAnonymous(info.path)) return anonymous;
    throw unauthorized();
  }
  const found = await authenticated(tokens, bearer.token, request.peer);
  if (!found) throw unauthorized();
  if (bearer.headers) context.request = withHeaders(request, bearer.headers);
  return found.user;
}

async function authenticated(
  tokens: TokenAuthenticator,
  token: string,
  connection: object,
): Promise<AuthenticatedToken | undefined> {
  try {
    return await tokens.authenticate(token, undefined, connection);
  } catch (error) {
    if (isKind(error, 'Unauthorized')) return undefined;
    throw error;
  }
}

/** A user object does not change, and authenticators hand out the same one again: it is completed once, not for each request. */
const completed = new WeakMap<UserInfo, UserInfo>();

export function withAuthenticatedGroup(user: UserInfo): UserInfo {
  let complete = completed.get(user);
  if (!complete) completed.set(user, (complete = inAuthenticatedGroup(user)));
  return complete;
}

function inAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.groups.includes('system:authenticated') || user.groups.includes('system:unauthenticated'))
    return user;
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}

interface Bearer {
  token: string;
  /** What is left of the headers without the token, where others are to see them. */
  headers?: ApiRequest['headers'];
}

function bearerToken({ authorization = '' }: ApiRequest['headers']): Bearer | undefined {
  const [scheme, token] = authorization.trim().split(/\s+/, 2);
  return scheme?.toLowerCase() === 'bearer' && token ? { token } : undefined;
}

const protocolPrefix = 'base64url.bearer.authorization.k8s.io.';
const base64Url = /^[A-Za-z0-9_-]+$/;

/**
 * Of browsers, which cannot set a header for a WebSocket: a subprotocol holds the token. It is not among those that are
 * passed on to a node or a pod.
 * @throws KumulusError Unauthorized for two of them, one that cannot be read, or one without any protocol beside it
 */
function webSocketToken(headers: ApiRequest['headers']): Bearer | undefined {
  const { upgrade = '', connection = '', 'sec-websocket-protocol': offered = '' } = headers;
  if (upgrade.toLowerCase() !== 'websocket' || !connection.toLowerCase().includes('upgrade'))
    return undefined;
  const protocols = offered.split(',').map((name) => name.trim());
  const [bearer, another] = protocols.filter((name) => name.startsWith(protocolPrefix));
  if (bearer === undefined) return undefined;
  const others = protocols.filter((name) => name !== bearer);
  const encoded = bearer.slice(protocolPrefix.length);
  if (another !== undefined || others.length === 0 || !base64Url.test(encoded)) throw unauthorized();
  return {
    token: Buffer.from(encoded, 'base64url').toString(),
    headers: { ...headers, 'sec-websocket-protocol': others.join(', ') },
  };
}

/** Hosts give requests parts that are made when they are asked for: they stay so. */
function withHeaders(request: ApiRequest, headers: ApiRequest['headers']): ApiRequest {
  return Object.create(request, { headers: { value: headers, enumerable: true } }) as ApiRequest;
}
