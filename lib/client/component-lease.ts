/** Leases by which a component shows who leads among its instances, as `kubectl get leases -n kube-system` lists them. */
import type { Lease } from '../api/gen/types.ts';
import { type Clock, rfc3339Micro } from '../clock.ts';
import { isKind } from '../errors.ts';
import type { KubeClient } from './port.ts';
import { leases } from './resources.ts';

const namespace = 'kube-system';
/** Nobody else waits for it, so it is long, and renewed as rarely: at least twice in this time. */
const durationSeconds = 3_600;

export interface ComponentLease {
  client: KubeClient;
  /** `kube-scheduler` */
  component: string;
  clock: Clock;
}

/** One write. Another holder's Lease is taken over, for there is one instance at a time. */
export async function renewComponentLease(
  { client, component, clock }: ComponentLease,
  identity: string,
): Promise<void> {
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
