import type { Lease, Node, NodeCondition } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { rfc3339 } from '../../../lib/clock.ts';

const watched = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** When the node last said anything: by its Lease (KEP-0009) or its status. 0 when it never did. */
export function lastSignMs(node: Node, lease: Lease | undefined): number {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  return Math.max(0, timeOf(lease?.spec?.renewTime), timeOf(ready?.lastHeartbeatTime));
}

/** The conditions of a node that fell silent: nothing is known of it any more. */
export function silentConditions(node: Persisted<Node>, nowMs: number): NodeCondition[] {
  const conditions = [...(node.status?.conditions ?? [])];
  for (const type of watched) {
    const at = conditions.findIndex((condition) => condition.type === type);
    const before = conditions[at];
    if (!before) {
      conditions.push({
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: node.metadata.creationTimestamp,
        lastTransitionTime: rfc3339(nowMs),
      });
    } else if (before.status !== 'Unknown') {
      conditions[at] = {
        ...before,
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
        lastTransitionTime: rfc3339(nowMs),
      };
    }
  }
  return conditions;
}

function timeOf(time: string | undefined): number {
  return time ? Date.parse(time) : 0;
}
