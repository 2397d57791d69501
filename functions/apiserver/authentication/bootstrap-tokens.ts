/**
 * Bootstrap tokens (API reference, "Authenticating with Bootstrap Tokens"): `abcdef.0123456789abcdef` is what the Secret
 * `bootstrap-token-abcdef` of kube-system says it is, for as long as it says so.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../../lib/api/gen/types.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { TokenAuthenticator } from '../pipeline/authentication.ts';
import { meantFor } from './union.ts';

const tokenForm = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const secretType = 'bootstrap.kubernetes.io/token';
const defaultGroup = 'system:bootstrappers';
const extraGroup = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

export function bootstrapTokens(
  apiAudiences: readonly string[],
  { cache, clock, log }: { cache: WatchCache; clock: Clock; log: Logger },
): TokenAuthenticator {
  return meantFor(apiAudiences, async (token) => {
    const [, id, secret] = tokenForm.exec(token) ?? [];
    if (!id || !secret) return undefined;
    const name = `bootstrap-token-${id}`;
    const found = await cache.get('secrets', `kube-system/${name}`);
    if (!found) return undefined;
    const groups = groupsOf(found.object as unknown as Secret, { id, secret, nowMs: clock.now() });
    if (Array.isArray(groups)) return { username: `system:bootstrap:${id}`, groups };
    log.info({ secret: name, reason: groups }, 'a bootstrap token was refused');
    return undefined;
  });
}

/** Of whoever brings the token, or why it is not good. */
function groupsOf(
  { metadata, type, data }: Secret,
  { id, secret, nowMs }: { id: string; secret: string; nowMs: number },
): string[] | string {
  const text = (key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString();
  if (metadata.deletionTimestamp) return 'its Secret is being deleted';
  if (type !== secretType) return `its Secret is not of the type ${secretType}`;
  if (!isSame(text('token-secret'), secret)) return 'its second part is another one';
  if (text('token-id') !== id) return 'token-id is another one';
  const expiration = text('expiration');
  if (expiration && !rfc3339.test(expiration)) return 'expiration is not a time';
  // A time that cannot be is not later than now.
  if (expiration && !(Date.parse(expiration) > nowMs)) return 'expired';
  if (text('usage-bootstrap-authentication') !== 'true') return 'it is not for authentication';
  const extra = text('auth-extra-groups');
  const groups = extra === '' ? [] : extra.split(',');
  if (!groups.every((group) => extraGroup.test(group))) return 'auth-extra-groups names no group of its kind';
  return [...new Set([defaultGroup, ...groups])].sort();
}

/** In a time that says nothing about how much of it is the same. */
function isSame(kept: string, brought: string): boolean {
  return timingSafeEqual(hash('sha256', kept, 'buffer'), hash('sha256', brought, 'buffer'));
}
