import type { Node, NodeCondition, NodeStatus } from '../../lib/api/gen/types.ts';
import type { EventRecorder } from '../../lib/client/events.ts';

/** Which event a condition makes when it becomes true or false, in kubelet's words. */
const reasons: Record<string, Record<string, [type: 'Normal' | 'Warning', reason: string]>> = {
  MemoryPressure: {
    True: ['Warning', 'NodeHasInsufficientMemory'],
    False: ['Normal', 'NodeHasSufficientMemory'],
  },
  DiskPressure: { True: ['Warning', 'NodeHasDiskPressure'], False: ['Normal', 'NodeHasNoDiskPressure'] },
  PIDPressure: { True: ['Warning', 'NodeHasInsufficientPID'], False: ['Normal', 'NodeHasSufficientPID'] },
  Ready: { True: ['Normal', 'NodeReady'], False: ['Normal', 'NodeNotReady'] },
};

export interface NodeEvents {
  /** The agent has started; `before` is the Node as it was, if there was one. */
  started(before: NodeStatus | undefined, bootId: string): void;
  /** The conditions have become others. */
  conditions(before: readonly NodeCondition[], after: readonly NodeCondition[]): void;
}

/** What happens to the node itself, as `kubectl describe node` shows it. Its events carry its name as their uid. */
export function createNodeEvents(recorder: EventRecorder, nodeName: string): NodeEvents {
  const about: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName, uid: nodeName },
    spec: {},
  };
  return {
    started(before, bootId) {
      recorder.event(about, 'Normal', 'Starting', 'Starting kubelet.');
      const bootIdBefore = before?.nodeInfo?.bootID;
      if (bootIdBefore && bootIdBefore !== bootId) {
        const message = `Node ${nodeName} has been rebooted, boot id: ${bootId}`;
        recorder.event(about, 'Warning', 'Rebooted', message);
      }
      recorder.event(
        about,
        'Normal',
        'NodeAllocatableEnforced',
        'Updated Node Allocatable limit across pods',
      );
    },
    conditions(before, after) {
      for (const { type, status } of after) {
        if (before.find((condition) => condition.type === type)?.status === status) continue;
        const [eventType, reason] = reasons[type]?.[status] ?? [];
        if (eventType && reason) {
          recorder.event(about, eventType, reason, `Node ${nodeName} status is now: ${reason}`);
        }
      }
    },
  };
}
