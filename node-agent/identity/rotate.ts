/** Keeps a certificate of the node's fresh: asked for again when most of its time is over, as kubelet does. */
import { X509Certificate } from 'node:crypto';
import { covers, type CertifiedKey } from '../../lib/certificates/index.ts';
import { backoffMs } from '../../lib/client/backoff.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { askForCertificate, type Wanted } from './ask.ts';
import type { CertificateFile } from './certificate-file.ts';

export interface RotationOptions {
  client: KubeClient;
  file: CertificateFile;
  wanted: Wanted;
  /** Told of each new one: new connections are made with it. */
  replaced?: (pair: CertifiedKey) => void;
  clock: Clock;
  random: () => number;
  log: Logger;
}

/** kubelet's: how long one request is waited for. */
const answerWithinMs = 15 * 60_000;
const retry = { baseMs: 2_000, maxMs: 5 * 60_000 };
/** Between two of them, whatever the signer's or this machine's clock says. */
const leastMs = 10_000;
/** A timer's longest sleep, so that a clock that was set is noticed. */
const longestSleepMs = 60 * 60_000;

/** Resolves when the signal aborts. What fails is tried again with backoff, for as long as the agent runs. */
export async function keepCertificate(options: RotationOptions, signal: AbortSignal): Promise<void> {
  const { client, file, wanted, replaced, clock, random, log } = options;
  let failures = 0;
  let dueMs = rotationTimeMs(file.current(), wanted, random);
  while (!signal.aborted) {
    const leftMs = dueMs - clock.now();
    if (leftMs > 0) {
      await pause(clock, Math.min(leftMs, longestSleepMs), signal);
      continue;
    }
    try {
      await askForCertificate(client, file, wanted, { clock, random, withinMs: answerWithinMs, signal });
      const pair = file.current();
      if (pair) replaced?.(pair);
      failures = 0;
      dueMs = Math.max(rotationTimeMs(pair, wanted, random), clock.now() + leastMs);
      log.info(
        { usage: wanted.usage, again: new Date(dueMs).toISOString() },
        'the node has a new certificate',
      );
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ usage: wanted.usage, err: messageOf(error) }, 'no new certificate yet');
      await pause(clock, backoffMs(failures++, { ...retry, random }), signal);
    }
  }
}

/**
 * When to ask for the next: at a random moment between 70 and 90 % of its time, so that nodes which joined together do not
 * ask together. At once without one, or for other names than it has. Milliseconds since the epoch.
 */
export function rotationTimeMs(
  pair: CertifiedKey | undefined,
  wanted: Pick<Wanted, 'dnsNames' | 'ipAddresses'>,
  random: () => number,
): number {
  if (!pair) return Number.NEGATIVE_INFINITY;
  const { dnsNames = [], ipAddresses = [] } = wanted;
  if (!covers(pair.certificate, { dnsNames, ipAddresses })) return Number.NEGATIVE_INFINITY;
  const { validFromDate, validToDate } = new X509Certificate(pair.certificate);
  const [fromMs, toMs] = [validFromDate.getTime(), validToDate.getTime()];
  return fromMs + (toMs - fromMs) * (0.7 + 0.2 * random());
}
