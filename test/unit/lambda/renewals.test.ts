import { describe, expect, test } from 'vitest';
import { isRenewal } from '../../../functions/lambda/renewals.ts';
import type { Lease } from '../../../lib/api/gen/types.ts';
import { encodeStored } from '../../../lib/api/stored.ts';
import { formatLog, loudKinds, parseLog } from '../../../lib/store/dynamodb/items.ts';

const leases = 'coordination.k8s.io/leases';
const lease = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'node-1', namespace: 'kube-node-lease', uid: 'a', managedFields: [{ time: 'before' }] },
  spec: { holderIdentity: 'node-1', leaseDurationSeconds: 40, renewTime: '2026-01-02T03:04:05.000000Z' },
} satisfies Lease;
const renewed = {
  ...lease,
  metadata: { ...lease.metadata, managedFields: [{ time: 'after' }] },
  spec: { ...lease.spec, renewTime: '2026-01-02T03:04:25.000000Z' },
};

describe('the renewal of a Lease', () => {
  test('changes its time and nothing else', () => {
    expect(isRenewal(leases, encodeStored(lease), encodeStored(renewed))).toBe(true);
  });

  test.each([
    ['a holder', { ...renewed, spec: { ...renewed.spec, holderIdentity: 'node-2' } }],
    ['an owner', { ...renewed, metadata: { ...renewed.metadata, ownerReferences: [] } }],
    ['a deletion', { ...renewed, metadata: { ...renewed.metadata, deletionTimestamp: 'now' } }],
  ])('is more than one with %s', (_, changed) => {
    expect(isRenewal(leases, encodeStored(lease), encodeStored(changed as Lease))).toBe(false);
  });

  test('is nothing that another type has', () => {
    expect(isRenewal('pods', encodeStored(lease), encodeStored(renewed))).toBe(false);
  });
});

test('a quiet entry of the log is of a kind that the stream’s filter leaves out, and is read as any update', () => {
  const entry = {
    kind: 'put',
    revision: 7,
    writer: 'w',
    key: 'kube-node-lease/node-1',
    packed: { bytes: new Uint8Array([1]) },
    afterBytes: 1,
    previous: 6,
  } as const;
  const quiet = formatLog(leases, { ...entry, isQuiet: true }, 1);
  expect(loudKinds).not.toContain(quiet.t?.S);
  expect(loudKinds).toContain(formatLog(leases, entry, 1).t?.S);
  expect(parseLog(quiet)).toEqual(entry);
});
