/**
 * Envelope encryption with a key service (KEP-3299, KMS v2): each body is sealed with a key of its own, derived from a
 * seed and 32 random bytes; the seed is wrapped by the service and lies beside the body. The service is asked once for
 * each seed, not for each body.
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { KumulusError, messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { openAesGcm, sealAesGcm } from './aesgcm.ts';
import { type Envelope, readEnvelope, writeEnvelope } from './envelope.ts';
import { beginsWith, type Transformer } from './transformer.ts';

/** What a key service must do. Both reject when it cannot be reached or refuses. */
export interface KeyService {
  /** `keyId` says with which key; it changes when the service has turned to another one. */
  wrap(secret: Uint8Array, signal: AbortSignal): Promise<{ wrapped: Uint8Array; keyId: string }>;
  unwrap(wrapped: Uint8Array, keyId: string, signal: AbortSignal): Promise<Uint8Array>;
}

export interface KmsOptions {
  /** The provider's name in the configuration. */
  name: string;
  service: KeyService;
  /** Of each call. */
  timeoutMs: number;
  clock: Clock;
  log: Logger;
}

interface Seed {
  secret: Uint8Array;
  wrapped: Uint8Array;
  keyId: string;
  wrappedAtMs: number;
}

const seedBytes = 32;
const infoBytes = 32;
/** How long a seed seals; then a new one is wrapped, by which a change of the service's key is noticed. */
const seedLifetimeMs = 60 * 60_000;
/** How long the last one goes on when the service does not answer. */
const graceMs = 3 * 60_000;
const retryMs = 10_000;
/** Seeds that were unwrapped and are kept; the least recently used go first. */
const keptSeeds = 1_000;

export function kms(options: KmsOptions): Transformer {
  const { name, service, timeoutMs, clock, log } = options;
  const prefix = `k8s:enc:kms:v2:${name}:`;
  const head = Buffer.from(prefix);
  const unwrapped = new Map<string, Promise<Uint8Array>>();
  let current: Seed | undefined;
  let wrapping: Promise<Seed> | undefined;
  let failedAtMs = Number.NEGATIVE_INFINITY;

  async function newSeed(): Promise<Seed> {
    const secret = randomBytes(seedBytes);
    const { wrapped, keyId } = await service.wrap(secret, AbortSignal.timeout(timeoutMs));
    if (keyId === '') throw new Error('the key service named no key');
    current = { secret, wrapped, keyId, wrappedAtMs: clock.now() };
    remember(unwrapped, seedName(wrapped, keyId), Promise.resolve(secret));
    return current;
  }

  function wrapNew(): Promise<Seed> {
    wrapping ??= newSeed().finally(() => {
      wrapping = undefined;
    });
    return wrapping;
  }

  async function sealingSeed(): Promise<Seed> {
    const ageMs = current ? clock.now() - current.wrappedAtMs : Number.POSITIVE_INFINITY;
    if (current && ageMs < seedLifetimeMs) return current;
    const inGrace = current && ageMs < seedLifetimeMs + graceMs;
    if (current && inGrace && clock.now() - failedAtMs < retryMs) return current;
    try {
      return await wrapNew();
    } catch (error) {
      failedAtMs = clock.now();
      if (!current || !inGrace) throw unavailable(name, error);
      log.warn({ provider: name, reason: messageOf(error) }, 'no new key could be wrapped; the last goes on');
      return current;
    }
  }

  function seedOf({ wrappedSeed, keyId }: Envelope): Promise<Uint8Array> {
    const id = seedName(wrappedSeed, keyId);
    const known = unwrapped.get(id);
    if (known) {
      remember(unwrapped, id, known);
      return known;
    }
    const asked = service
      .unwrap(wrappedSeed, keyId, AbortSignal.timeout(timeoutMs))
      .catch((error: unknown) => {
        unwrapped.delete(id);
        throw unavailable(name, error);
      });
    remember(unwrapped, id, asked);
    return asked;
  }

  return {
    prefix,
    async seal(body, context) {
      const { secret, wrapped, keyId } = await sealingSeed();
      const info = randomBytes(infoBytes);
      const data = Buffer.concat([info, sealAesGcm(derivedKey(secret, info), body, context)]);
      return Buffer.concat([head, writeEnvelope({ data, keyId, wrappedSeed: wrapped })]);
    },
    async open(sealed, context) {
      if (!beginsWith(sealed, prefix)) throw new Error(`it was not sealed by ${name}`);
      const envelope = readEnvelope(sealed.subarray(head.length));
      const { data, keyId } = envelope;
      const key = derivedKey(await seedOf(envelope), data.subarray(0, infoBytes));
      const body = openAesGcm(key, data.subarray(infoBytes), context);
      return { body, stale: current !== undefined && current.keyId !== keyId };
    },
  };
}

function derivedKey(seed: Uint8Array, info: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', seed, new Uint8Array(0), info, 32));
}

function seedName(wrapped: Uint8Array, keyId: string): string {
  return `${keyId}\n${Buffer.from(wrapped).toString('base64')}`;
}

function remember<V>(kept: Map<string, V>, name: string, value: V): void {
  kept.delete(name);
  kept.set(name, value);
  if (kept.size <= keptSeeds) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}

function unavailable(name: string, cause: unknown): KumulusError {
  return new KumulusError(
    'ServiceUnavailable',
    `the key service of the encryption provider "${name}" failed: ${messageOf(cause)}`,
    { cause, details: { retryAfterSeconds: 5 } },
  );
}
