/** What a kind does differently from the others when it is written or deleted. */
import type { DeleteOptions } from '../../../lib/api/gen/types.ts';
import { type KindRules, kindRules } from '../../../lib/api/kinds/index.ts';
import type { AnyObject } from './any-object.ts';
import type { ResourceDefinition } from './definition.ts';
import { podGracePeriodSeconds } from './strategies/pod.ts';

export type { AnyObject } from './any-object.ts';

export interface Strategy {
  rules: KindRules;
  /** Of what an update or patch wants, keeps what may be written here at all; before it is seen who changed what. */
  limit?: (wanted: AnyObject, current: AnyObject) => void;
  /** Dependents outlive the object where a deletion says nothing of them (`rest.GarbageCollectionDeleteStrategy`). */
  orphansByDefault: boolean;
  /** DELETE answers with the object that is gone rather than with a Status. */
  returnsDeletedObject: boolean;
  /** The seconds that a deletion waits for someone to finish it; undefined where kinds are deleted at once. */
  gracePeriodSeconds?: (object: AnyObject, options: DeleteOptions) => number;
}

/** Older than the garbage collector, and kept as they were. */
const orphaning = new Set(['/ReplicationController', 'batch/Job']);
const deletedReturned = new Set([
  'CSIDriver',
  'CSINode',
  'DeviceClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Pod',
  'PodTemplate',
  'ResourceClaim',
  'ResourceClaimTemplate',
  'ResourceQuota',
  'ResourceSlice',
  'Service',
  'ServiceAccount',
  'StorageClass',
  'VolumeAttachment',
  'VolumeAttributesClass',
]);

export function strategyFor(definition: ResourceDefinition): Strategy {
  const { group, version, kind } = definition;
  const rules = kindRules(group, version, kind);
  if (!rules) throw new Error(`no rules for ${kind} of ${group}/${version}`);
  return {
    rules,
    orphansByDefault: orphaning.has(`${group}/${kind}`),
    returnsDeletedObject: deletedReturned.has(kind),
    ...(kind === 'Pod' && { gracePeriodSeconds: podGracePeriodSeconds }),
  };
}
