import type { Clock } from '../clock.ts';
import { createIamToken, type Credentials, type IamToken, type IamTokenRequest } from './iam-token.ts';

export interface IamTokenSourceOptions extends Pick<IamTokenRequest, 'cluster' | 'region' | 'stsUrl'> {
  /** Asked before each new token: those of an instance change several times a day. */
  credentials: () => Promise<Credentials>;
  clock: Clock;
}

/** A token is made anew when this much of its time is left, so that none ends on its way. */
const renewBeforeMs = 2 * 60_000;

/** Tokens of one IAM principal, each used for as long as it is good. */
export function createIamTokenSource(options: IamTokenSourceOptions): () => Promise<string> {
  const { cluster, region, stsUrl, clock } = options;
  let current: Promise<IamToken> | undefined;
  let goodUntilMs = 0;

  async function make(): Promise<IamToken> {
    const credentials = await options.credentials();
    const made = await createIamToken({ cluster, region, stsUrl, credentials, nowMs: clock.now() });
    goodUntilMs = made.expiresAtMs - renewBeforeMs;
    return made;
  }

  return async () => {
    if (!current || clock.now() >= goodUntilMs) {
      goodUntilMs = Number.POSITIVE_INFINITY;
      current = make().catch((error: unknown) => {
        current = undefined;
        throw error;
      });
    }
    return (await current).token;
  };
}
