/** Keeps what the control plane shows good while it runs: what has little time left is made anew, as at a start. */
import type { CertificateRequest } from '../../lib/certificates/index.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { CertificateFiles, Pki } from './pki.ts';

type Request = Omit<CertificateRequest, 'now' | 'validityDays'>;

export interface Shown {
  name: string;
  request: Request;
  /** Told of each new one: new connections are made with it. */
  use: (pair: CertificateFiles) => void;
}

/** A certificate is renewed 60 days before its end: this many tries are enough. */
const everyMs = 6 * 60 * 60_000;

/** Ends with the signal. What fails is tried again at the next turn. */
export async function renewCertificates(
  pki: Pki,
  shown: readonly Shown[],
  { clock, log }: { clock: Clock; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  const used = new Map<string, string>();
  for (const { name, request } of shown) {
    used.set(name, (await pki.certificate(name, request)).certificate);
  }
  for (;;) {
    await pause(clock, everyMs, signal);
    if (signal.aborted) return;
    for (const { name, request, use } of shown) {
      try {
        const pair = await pki.certificate(name, request);
        if (used.get(name) === pair.certificate) continue;
        use(pair);
        used.set(name, pair.certificate);
        log.info({ certificate: name }, 'a certificate was renewed');
      } catch (error) {
        log.warn({ certificate: name, err: messageOf(error) }, 'a certificate could not be renewed');
      }
    }
  }
}
