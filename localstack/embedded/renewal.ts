/** Keeps what the control plane shows good while it runs: what has little time left is made anew, as at a start. */
import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { CertificateFiles, Pki, WantedCertificate } from './pki.ts';

export interface Shown {
  name: string;
  wanted: WantedCertificate;
  /** Told of each new one: new connections are made with it. */
  use: (pair: CertificateFiles) => void;
}

/** Often enough: there are 60 days for it. */
const everyMs = 6 * 60 * 60_000;

/** Ends with the signal. What fails is tried again at the next turn. */
export async function renewCertificates(
  pki: Pki,
  shown: readonly Shown[],
  { clock, log }: { clock: Clock; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  const used = new Map<string, string>();
  for (const { name, wanted } of shown) {
    used.set(name, (await pki.certificate(name, wanted)).certificate);
  }
  for (;;) {
    await pause(clock, everyMs, signal);
    if (signal.aborted) return;
    for (const { name, wanted, use } of shown) {
      try {
        const pair = await pki.certificate(name, wanted);
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
