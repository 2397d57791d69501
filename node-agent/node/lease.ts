import type { Lease } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { backoffMs } from '../../lib/client/backoff.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { leases } from '../../lib/client/resources.ts';
import { type Clock, rfc3339Micro, pause } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';

const namespace = 'kube-node-lease';
const durationSeconds = 40;
const defaultRenewMs = 10_000;

export interface LeaseOptions {
  client: KubeClient;
  nodeName: string;
  nodeUid: string;
  clock: Clock;
  random: () => number;
  log: Logger;
  /** Default 10 s. */
  renewMs?: number;
}

/** Says that the node is alive, every so often, until the signal aborts (Leases, "Node heartbeats"). */
export async function keepLease(options: LeaseOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, log, renewMs = defaultRenewMs } = options;
  let held: Persisted<Lease> | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      held = await renew(options, held);
      failures = 0;
    } catch (error) {
      held = undefined;
      log.warn({ err: messageOf(error) }, "the node's lease could not be renewed");
      failures++;
    }
    const retry = backoffMs(failures - 1, { baseMs: 200, maxMs: 7_000, random });
    const waitMs = failures > 0 ? retry : renewMs * (1 + 0.04 * random());
    await pause(clock, waitMs, signal);
  }
}

async function renew(
  { client, nodeName, nodeUid, clock }: LeaseOptions,
  held: Persisted<Lease> | undefined,
): Promise<Persisted<Lease>> {
  const renewTime = rfc3339Micro(clock.now());
  const lease = held ?? (await find(client, nodeName));
  if (lease) {
    return client.update(leases, {
      ...lease,
      spec: { ...lease.spec, holderIdentity: nodeName, leaseDurationSeconds: durationSeconds, renewTime },
    });
  }
  return client.create(leases, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: nodeName,
      namespace,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeUid }],
    },
    spec: { holderIdentity: nodeName, leaseDurationSeconds: durationSeconds, renewTime },
  });
}

async function find(client: KubeClient, name: string): Promise<Persisted<Lease> | undefined> {
  try {
    return await client.get(leases, { namespace, name });
  } catch (error) {
    if (isKind(error, 'NotFound')) return undefined;
    throw error;
  }
}
