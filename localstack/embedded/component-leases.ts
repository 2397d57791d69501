import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import type { Lease } from '../../lib/api/gen/types.ts';
import { backoffMs } from '../../lib/client/backoff.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { leases } from '../../lib/client/resources.ts';
import { type Clock, pause, rfc3339Micro } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';

const namespace = 'kube-system';
/** Nobody else waits for it (the data directory has one owner), so it is long, and renewed as rarely. */
const durationSeconds = 3_600;
const renewMs = 1_200_000;

export interface ComponentLease {
  client: KubeClient;
  /** `kube-scheduler` */
  component: string;
  clock: Clock;
  random?: () => number;
  log: Logger;
}

/**
 * Shows who leads among the instances of a component, as `kubectl get leases -n kube-system` of any cluster does, until the
 * signal aborts. There is one instance, and it does not wait for the Lease: a write at the start and three an hour, where
 * upstream's election writes every two seconds.
 */
export async function keepComponentLease(options: ComponentLease, signal: AbortSignal): Promise<void> {
  const { component, clock, log, random = Math.random } = options;
  const identity = `${hostname()}_${randomUUID()}`;
  for (let failures = 0; !signal.aborted; ) {
    try {
      await renew(options, identity);
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

async function renew({ client, component, clock }: ComponentLease, identity: string): Promise<void> {
  const ref = { namespace, name: component };
  const now = rfc3339Micro(clock.now());
  const mine = { holderIdentity: identity, leaseDurationSeconds: durationSeconds, renewTime: now };
  try {
    const { spec, ...lease } = await client.get(leases, ref);
    const isTakenOver = spec?.holderIdentity !== identity;
    const taken = isTakenOver && { acquireTime: now, leaseTransitions: (spec?.leaseTransitions ?? 0) + 1 };
    await client.update(leases, { ...lease, spec: { ...spec, ...mine, ...taken } });
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
    const lease: Lease = { metadata: ref, spec: { ...mine, acquireTime: now, leaseTransitions: 0 } };
    await client.create(leases, lease);
  }
}
