import type { NodeStatuses } from './node-statuses.ts';
import type { Status } from './status.ts';

/** Why a pod fits nowhere: what the event, the condition and the queue need. */
export interface Diagnosis {
  readonly allNodes: number;
  readonly nodeStatuses: NodeStatuses;
  /** Plugins that turned the pod down: only their events can wake it. */
  readonly unschedulablePlugins: ReadonlySet<string>;
  readonly pendingPlugins: ReadonlySet<string>;
  /** From a PreFilter that turned the pod down before any node was looked at. */
  readonly preFilterMessage?: string;
  readonly postFilterMessage?: string;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …`, as users of kubectl know it. */
export function fitErrorMessage(diagnosis: Diagnosis): string {
  const { allNodes, nodeStatuses, preFilterMessage, postFilterMessage } = diagnosis;
  let message = `0/${allNodes} nodes are available:`;
  if (preFilterMessage) message += ` ${preFilterMessage}.`;
  else {
    const reasons = countReasons(nodeStatuses, allNodes);
    if (reasons.length > 0) message += ` ${reasons.join(', ')}.`;
  }
  return postFilterMessage ? `${message} ${postFilterMessage}` : message;
}

/** `2 Insufficient cpu`, sorted as text. */
function countReasons(statuses: NodeStatuses, allNodes: number): string[] {
  const counts = new Map<string, number>();
  const count = (status: Status, times: number) => {
    for (const reason of status.reasons) counts.set(reason, (counts.get(reason) ?? 0) + times);
  };
  for (const [status, times] of statuses.counts) count(status, times);
  if (statuses.size < allNodes) count(statuses.absent, allNodes - statuses.size);
  return [...counts].map(([reason, times]) => `${times} ${reason}`).sort();
}
