import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import { backoffMs } from '../../lib/client/backoff.ts';
import { type ComponentLease, renewComponentLease } from '../../lib/client/component-lease.ts';
import { pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';

/** A third of the time for which it is held. */
const renewMs = 1_200_000;

export interface KeptLease extends ComponentLease {
  random?: () => number;
  log: Logger;
}

/**
 * Shows who leads among the instances of a component, as `kubectl get leases -n kube-system` of any cluster does, until the
 * signal aborts. There is one instance, and it does not wait for the Lease: a write at the start and three an hour, where
 * upstream's election writes every two seconds.
 */
export async function keepComponentLease(options: KeptLease, signal: AbortSignal): Promise<void> {
  const { component, clock, log, random = Math.random } = options;
  const identity = `${hostname()}_${randomUUID()}`;
  for (let failures = 0; !signal.aborted; ) {
    try {
      await renewComponentLease(options, identity);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      log.warn({ component, err: messageOf(error) }, 'the lease could not be renewed');
    }
    const waitMs = failures > 0 ? backoffMs(failures - 1, { baseMs: 1_000, maxMs: 60_000, random }) : renewMs;
    await pause(clock, waitMs, signal);
  }
}
