/** Bootstrap tokens as Secrets ("Bootstrap Token Secret Format"). */
import type { Secret } from '../../../lib/api/gen/types.ts';

export const bootstrapTokenType = 'bootstrap.kubernetes.io/token';
export const bootstrapTokenNamespace = 'kube-system';
const namePrefix = 'bootstrap-token-';
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

export function isBootstrapToken({ metadata, type }: Secret): boolean {
  return type === bootstrapTokenType && metadata.namespace === bootstrapTokenNamespace;
}

export function fieldOf({ data }: Secret, name: string): string {
  return Buffer.from(data?.[name] ?? '', 'base64').toString();
}

/** In milliseconds since the epoch; undefined for one that does not end. A time that cannot be read is over. */
export function tokenExpiresAtMs(secret: Secret): number | undefined {
  const text = fieldOf(secret, 'expiration');
  if (text === '') return undefined;
  const atMs = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? 0 : atMs;
}

/** The token's two parts where it may sign now. */
export function signingToken(secret: Secret, nowMs: number): { id: string; secret: string } | undefined {
  const id = fieldOf(secret, 'token-id');
  const token = fieldOf(secret, 'token-secret');
  if (!isBootstrapToken(secret) || secret.metadata.deletionTimestamp) return undefined;
  if (!/^[a-z0-9]{6}$/.test(id) || !/^[a-z0-9]{16}$/.test(token)) return undefined;
  if (secret.metadata.name !== `${namePrefix}${id}`) return undefined;
  const expiresAtMs = tokenExpiresAtMs(secret);
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) return undefined;
  return fieldOf(secret, 'usage-bootstrap-signing') === 'true' ? { id, secret: token } : undefined;
}
