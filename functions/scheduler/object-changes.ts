import type { Node, Pod } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import type { EventAction } from './framework/events.ts';

/** What of a node's change could matter to a waiting pod. */
export function nodeActions(before: Persisted<Node>, after: Persisted<Node>): EventAction[] {
  const actions: EventAction[] = [];
  if (differ(before.status?.allocatable, after.status?.allocatable)) actions.push('UpdateNodeAllocatable');
  if (differ(before.metadata.labels, after.metadata.labels)) actions.push('UpdateNodeLabel');
  if (
    differ(before.spec.taints, after.spec.taints) ||
    Boolean(before.spec.unschedulable) !== Boolean(after.spec.unschedulable)
  ) {
    actions.push('UpdateNodeTaint');
  }
  if (differ(conditionsOf(before), conditionsOf(after))) actions.push('UpdateNodeCondition');
  return actions;
}

/** What of the change of a pod on a node could matter to a waiting pod. */
export function assignedPodActions(before: Persisted<Pod>, after: Persisted<Pod>): EventAction[] {
  const actions: EventAction[] = [];
  if (differ(before.metadata.labels, after.metadata.labels)) actions.push('UpdatePodLabel');
  // The generation rises with the specification (KEP-5067).
  const { generation } = before.metadata;
  const sameSpec = generation !== undefined && generation === after.metadata.generation;
  if (
    (!sameSpec && differ(before.spec.containers, after.spec.containers)) ||
    (!sameSpec && differ(before.spec.resources, after.spec.resources)) ||
    differ(resizedOf(before), resizedOf(after))
  ) {
    actions.push('UpdatePodScaleDown');
  }
  return actions;
}

/** Heartbeats apart. */
function conditionsOf(node: Node): Record<string, string> {
  return Object.fromEntries((node.status?.conditions ?? []).map(({ type, status }) => [type, status]));
}

/** What containers have been given so far, which may be more than they ask for by now. */
export function resizedOf(pod: Pod): unknown[] {
  return (pod.status?.containerStatuses ?? []).map(({ resources, allocatedResources }) => [
    resources?.requests,
    allocatedResources,
  ]);
}

/** A pod that has come to its end holds nothing of its node. */
export function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

export function differ(before: unknown, after: unknown): boolean {
  return before !== after && JSON.stringify(before) !== JSON.stringify(after);
}
