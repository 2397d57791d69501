/** How bodies are changed on their way into the store and back (KEP-3299 calls these value transformers). */

/** One way of sealing, which marks what it has sealed. */
export interface Transformer {
  /** What begins all that it has sealed; empty for bodies that are left as they are. */
  readonly prefix: string;
  /**
   * @param context what the body belongs to; where the cipher can, it is bound to it, so that no body passes for another's
   */
  seal(body: Uint8Array, context: Uint8Array): Promise<Uint8Array> | Uint8Array;
  /** @throws Error when it was sealed with another key, for another context, or has been changed since */
  open(sealed: Uint8Array, context: Uint8Array): Promise<Opened> | Opened;
}

export interface Opened {
  body: Uint8Array;
  /** It would be sealed otherwise now: whoever writes it again unchanged moves it on. */
  stale: boolean;
}

/** What begins every sealed body; no object's JSON does. */
export const sealedPrefix = 'k8s:enc:';

/** Leaves bodies as they are. */
export const identity: Transformer = {
  prefix: '',
  seal: (body) => body,
  open: (body) => ({ body, stale: false }),
};

export function beginsWith(bytes: Uint8Array, prefix: string): boolean {
  if (bytes.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix.charCodeAt(i)) return false;
  return true;
}

/** The first seals; all of them open what is theirs. */
export function rotating(transformers: readonly Transformer[]): Pick<Transformer, 'seal' | 'open'> {
  const [first] = transformers;
  if (!first) throw new TypeError('one way of sealing at least is needed');
  return {
    seal: (body, context) => first.seal(body, context),
    async open(sealed, context) {
      const isSealed = beginsWith(sealed, sealedPrefix);
      const candidates = transformers.filter(({ prefix }) =>
        isSealed ? prefix !== '' && beginsWith(sealed, prefix) : prefix === '',
      );
      let failure = new Error(
        isSealed
          ? `no provider of the encryption configuration has its key (${sealedWith(sealed)})`
          : 'it is not encrypted, and the encryption configuration has no identity provider for it',
      );
      for (const candidate of candidates) {
        try {
          const { body, stale } = await candidate.open(sealed, context);
          return { body, stale: stale || candidate !== first };
        } catch (error) {
          failure = error as Error;
        }
      }
      throw failure;
    },
  };
}

/** `k8s:enc:aesgcm:v1:key1`: what a sealed body says of how it was sealed, which is no secret. */
export function sealedWith(sealed: Uint8Array): string {
  const text = Buffer.from(sealed.subarray(0, 512)).toString('latin1');
  return /^k8s:enc:[^:]*:[^:]*:[^:]*/.exec(text)?.[0] ?? 'unknown';
}
