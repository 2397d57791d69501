import type { Node, Pod } from '../../lib/api/gen/types.ts';
import type { KubeObject } from '../../lib/api/object.ts';
import type { ObjectChange } from '../../lib/client/lister.ts';
import type { Resource } from '../../lib/client/port.ts';
import { namespaces, nodes, pods } from '../../lib/client/resources.ts';
import { clusterKinds } from './framework/cluster-objects.ts';
import { assignedPodActions, differ, isOver, nodeActions } from './object-changes.ts';

/** The scheduler's one key in a work queue: it looks at everything whenever it is woken. */
export const cycleKey = 'cycle';

/** Which changes are worth waking a scheduler for that does not run all the time: those its queue would be told of. */
export const schedulerWakes: { resource: Resource<KubeObject>; wakes: (change: ObjectChange) => boolean }[] =
  [
    { resource: pods, wakes: (change) => podWakes(change as ObjectChange<Pod>) },
    { resource: nodes, wakes: (change) => nodeWakes(change as ObjectChange<Node>) },
    { resource: namespaces, wakes: ({ before, after }) => !before || labelsDiffer(before, after) },
    ...Object.values(clusterKinds)
      .filter(({ event }) => event !== undefined)
      .map(({ resource }) => ({ resource, wakes: () => true })),
  ];

function podWakes({ before, after }: ObjectChange<Pod>): boolean {
  if (!after) return true;
  if (after.spec.nodeName && before?.spec.nodeName) {
    return isOver(after) !== isOver(before) || assignedPodActions(before, after).length > 0;
  }
  // What waits for a node: new, or changed other than by what the scheduler itself said of it.
  return (
    !before ||
    before.spec.nodeName !== after.spec.nodeName ||
    before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
    differ(before.spec, after.spec) ||
    labelsDiffer(before, after)
  );
}

function nodeWakes({ before, after }: ObjectChange<Node>): boolean {
  return !before || !after || nodeActions(before, after).length > 0;
}

function labelsDiffer(before: KubeObject, after: KubeObject | undefined): boolean {
  return differ(before.metadata.labels, after?.metadata.labels);
}
