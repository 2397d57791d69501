import type * as t from '../gen/types.ts';
import { age, ageColumn, column, type KindTable, nameColumn, nameOf, tableOf } from './kind-table.ts';

const nameAndAge = tableOf([nameColumn, ageColumn], (object, now) => [nameOf(object), age(object, now)]);

/** Dynamic resource allocation, by `group/Kind`. */
export const deviceTables: Readonly<Record<string, KindTable>> = {
  'resource.k8s.io/DeviceClass': nameAndAge,
  'resource.k8s.io/ResourceClaimTemplate': nameAndAge,
  'resource.k8s.io/DeviceTaintRule': nameAndAge,
  'resource.k8s.io/ResourceClaim': tableOf<t.ResourceV1ResourceClaim>(
    [
      nameColumn,
      column('State', 'A summary of the current state (allocated, pending, reserved, etc.).'),
      ageColumn,
    ],
    (object, now) => [nameOf(object), claimState(object), age(object, now)],
  ),
  'resource.k8s.io/ResourceSlice': tableOf<t.ResourceSlice>(
    [
      nameColumn,
      column('Node', 'The node that has the devices.'),
      column('Driver', 'The driver that they are of.'),
      column('Pool', 'The pool that they are in.'),
      ageColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.spec.nodeName ?? '',
      object.spec.driver,
      object.spec.pool.name,
      age(object, now),
    ],
  ),
};

function claimState({ metadata, status }: t.ResourceV1ResourceClaim): string {
  const states = metadata.deletionTimestamp ? ['deleted'] : [];
  if (status?.allocation) {
    states.push('allocated');
    if (status.reservedFor?.length) states.push('reserved');
  } else if (!metadata.deletionTimestamp) {
    states.push('pending');
  }
  return states.join(',');
}
