/** The public keys of an issuer (OpenID Connect Discovery 1.0; RFC 7517), fetched when a token asks for them. */
import { request } from 'node:https';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type { Clock } from '../../../../lib/clock.ts';
import type { JwtAuthenticator } from './config.ts';

export type KeySet = ReturnType<typeof createLocalJWKSet>;

/** Older ones are asked for again before they are used. */
const freshMs = 10 * 60_000;
/** As long as the issuer cannot be reached, what is known of it may be as old as this. */
const longestMs = 60 * 60_000;
/** Between one attempt and the next, whatever tokens come: an issuer is not asked more often for anybody. */
const cooldownMs = 10_000;
const timeoutMs = 10_000;
const maxBytes = 1024 * 1024;

export interface IssuerKeys {
  /** @throws Error when there are none, and the issuer did not give any */
  current(): Promise<KeySet>;
  /** After a token was signed with a key that is not among them; undefined where it is too early to ask again. */
  renewed(): Promise<KeySet | undefined>;
}

export function issuerKeys(
  issuer: JwtAuthenticator['issuer'],
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): IssuerKeys {
  let known: { keys: KeySet; atMs: number } | undefined;
  let attempted = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let fetching: Promise<void> | undefined;

  const fetchKeys = async (): Promise<void> => {
    attempted = clock.now();
    try {
      const url = issuer.discoveryUrl ?? `${issuer.url.replace(/\/$/, '')}/.well-known/openid-configuration`;
      const found = await getJson(url, issuer.certificateAuthority, signal);
      const { issuer: claimed, jwks_uri: jwksUri } = (found ?? {}) as Record<string, unknown>;
      if (claimed !== issuer.url) throw new Error(`${url} is of another issuer`);
      if (typeof jwksUri !== 'string' || !jwksUri.startsWith('https://')) {
        throw new Error(`${url} names no https jwks_uri`);
      }
      const keys = (await getJson(jwksUri, issuer.certificateAuthority, signal)) as JSONWebKeySet;
      known = { keys: createLocalJWKSet(keys), atMs: clock.now() };
    } catch (error) {
      failure = error;
    }
  };
  /** Whoever asks meanwhile waits for the same answer. */
  const fetchOnce = (): Promise<void> => {
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined;
    });
    return fetching;
  };
  const mayAsk = () => fetching !== undefined || clock.now() - attempted >= cooldownMs;
  const ageMs = () => (known ? clock.now() - known.atMs : Number.POSITIVE_INFINITY);

  return {
    async current() {
      if (ageMs() > freshMs && mayAsk()) await fetchOnce();
      if (known && ageMs() <= longestMs) return known.keys;
      throw new Error('its keys are not known', { cause: failure });
    },
    async renewed() {
      if (!mayAsk()) return undefined;
      const before = known;
      await fetchOnce();
      return known === before ? undefined : known?.keys;
    },
  };
}

/** Redirects are not followed: where keys come from is said by the configuration and the issuer alone. */
function getJson(url: string, ca: string | undefined, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      ...(ca && { ca }),
    });
    outgoing.once('error', (error) => reject(new Error(`${url}: ${error.message}`, { cause: error })));
    outgoing.once('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.byteLength;
        chunks.push(chunk);
        if (size > maxBytes) response.destroy(new Error(`${url} answered with more than ${maxBytes} bytes`));
      });
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode !== 200) return reject(new Error(`${url} answered ${response.statusCode}`));
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()));
        } catch (error) {
          reject(new Error(`${url} did not answer with JSON`, { cause: error }));
        }
      });
    });
    outgoing.end();
  });
}
