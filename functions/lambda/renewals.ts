import { isDeepStrictEqual } from 'node:util';
import type { Lease } from '../../lib/api/gen/types.ts';

const leases = 'coordination.k8s.io/leases';

/**
 * Whether an update, of stored bodies, is the renewal of a Lease and nothing else. Each node sends one every 20 s, and nobody
 * is woken by them: who waits for one that does not come has a time of its own.
 */
export function isRenewal(resource: string, before: Uint8Array, after: Uint8Array): boolean {
  return resource === leases && isDeepStrictEqual(besideRenewal(before), besideRenewal(after));
}

function besideRenewal(body: Uint8Array): object {
  const lease = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) as Lease;
  const { metadata, spec } = lease;
  return {
    ...lease,
    metadata: { ...metadata, managedFields: undefined },
    spec: { ...spec, renewTime: undefined },
  };
}
