/** Bootstrap tokens, as `kubeadm token` has them: Secrets of `kube-system` that let a machine ask for a node's certificate. */
import { randomInt } from 'node:crypto';
import type { Secret } from '../lib/api/gen/types.ts';
import type { KubeClient } from '../lib/client/port.ts';
import { secrets } from '../lib/client/resources.ts';
import { type Clock, rfc3339 } from '../lib/clock.ts';
import { isKind } from '../lib/errors.ts';

const namespace = 'kube-system';
const secretType = 'bootstrap.kubernetes.io/token';
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
const joiners = 'system:bootstrappers:kumulus:default-node-token';
const maxAttempts = 8;

export interface BootstrapToken {
  token: string;
  /** Undefined: it does not end. */
  expires: string | undefined;
  usages: string[];
  description: string;
  groups: string;
}

/** @param ttlMs 0: it does not end */
export async function createBootstrapToken(
  client: KubeClient,
  { ttlMs, description, clock }: { ttlMs: number; description: string; clock: Clock },
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const id = randomText(6);
    const secret = randomText(16);
    try {
      await client.create(secrets, {
        metadata: { namespace, name: nameOf(id) },
        type: secretType,
        stringData: {
          'token-id': id,
          'token-secret': secret,
          'usage-bootstrap-authentication': 'true',
          'usage-bootstrap-signing': 'true',
          'auth-extra-groups': joiners,
          ...(ttlMs > 0 && { expiration: rfc3339(clock.now() + ttlMs) }),
          ...(description && { description }),
        },
      });
      return `${id}.${secret}`;
    } catch (error) {
      if (!isKind(error, 'AlreadyExists') || attempt >= maxAttempts) throw error;
    }
  }
}

export async function listBootstrapTokens(client: KubeClient): Promise<BootstrapToken[]> {
  const { items } = await client.list(secrets, { namespace, fieldSelector: `type=${secretType}` });
  return items.map((secret) => ({
    token: `${fieldOf(secret, 'token-id')}.${fieldOf(secret, 'token-secret')}`,
    expires: fieldOf(secret, 'expiration') || undefined,
    usages: ['authentication', 'signing'].filter(
      (use) => fieldOf(secret, `usage-bootstrap-${use}`) === 'true',
    ),
    description: fieldOf(secret, 'description'),
    groups: fieldOf(secret, 'auth-extra-groups'),
  }));
}

/** @param token the whole of it, or its id: the part before the dot. @throws Error when there is none */
export async function deleteBootstrapToken(client: KubeClient, token: string): Promise<string> {
  const [, id] = /^([a-z0-9]{6})(?:\.[a-z0-9]{16})?$/.exec(token) ?? [];
  // The message does not repeat what may be a secret.
  if (!id) throw new Error('a token is six characters, a dot and sixteen, or its first six: [a-z0-9]');
  try {
    await client.delete(secrets, { namespace, name: nameOf(id) });
    return id;
  } catch (error) {
    if (isKind(error, 'NotFound')) throw new Error(`there is no bootstrap token ${id}`, { cause: error });
    throw error;
  }
}

function fieldOf({ data }: Secret, name: string): string {
  return Buffer.from(data?.[name] ?? '', 'base64').toString();
}

const nameOf = (id: string) => `bootstrap-token-${id}`;

function randomText(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}
