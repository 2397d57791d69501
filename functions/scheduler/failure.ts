import type { Pod, PodCondition } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { type Clock, rfc3339 } from '../../lib/clock.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { pods } from '../../lib/client/resources.ts';
import { isKind } from '../../lib/errors.ts';

/** The longest note of an event (API reference, Event). */
const maxNote = 1024;

export function truncateNote(message: string): string {
  const suffix = ' ...';
  return message.length <= maxNote ? message : message.slice(0, maxNote - suffix.length) + suffix;
}

export interface Unplaced {
  reason: 'Unschedulable' | 'SchedulerError';
  message: string;
  /** Undefined leaves it as it is; '' takes it away. */
  nominatedNodeName: string | undefined;
}

/** Writes why a pod has no node into its status, unless that is what it says already. */
export async function reportUnplaced(
  client: KubeClient,
  clock: Clock,
  pod: Persisted<Pod>,
  { reason, message, nominatedNodeName }: Unplaced,
): Promise<void> {
  const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const nominationChanges =
    nominatedNodeName !== undefined && nominatedNodeName !== (pod.status?.nominatedNodeName ?? '');
  const { generation } = pod.metadata;
  const saysSo =
    before?.status === 'False' &&
    before.reason === reason &&
    before.message === message &&
    before.observedGeneration === generation;
  if (saysSo && !nominationChanges) return;
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    observedGeneration: generation,
    lastTransitionTime: (before?.status === 'False' && before.lastTransitionTime) || rfc3339(clock.now()),
  };
  const status = {
    conditions: [condition],
    ...(nominationChanges ? { nominatedNodeName: nominatedNodeName || null } : {}),
  };
  const { namespace, name, uid } = pod.metadata;
  try {
    // The uid makes it a conflict when another pod has the name by now.
    const patch = { metadata: { uid }, status };
    await client.patch(pods, { namespace, name }, { type: 'strategic', patch }, { subresource: 'status' });
  } catch (error) {
    if (!isKind(error, 'NotFound', 'Conflict')) throw error;
  }
}
