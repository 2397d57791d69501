import type { Eviction, Node, Pod, Status } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { nodes, pods } from '../../../../lib/client/resources.ts';
import { isKind, messageOf } from '../../../../lib/errors.ts';
import { isPodTerminal } from '../../common/pods.ts';
import { byNode, nodeIndex } from '../../common/pods-by-node.ts';
import { ownKey, watchOf } from '../../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../../controller.ts';
import type { ScalingGroups } from './port.ts';
import { type DrainRequest, drainAnnotation, parseDrainRequest } from './request.ts';

/** How soon what a disruption budget refused is asked for again. */
const retryMs = 5_000;
const mirrorAnnotation = 'kubernetes.io/config.mirror';

/**
 * Empties nodes whose machine is about to go, as `kubectl drain --ignore-daemonsets --delete-emptydir-data` does: no new
 * pods, evictions that heed disruption budgets until the deadline, then the group may end the machine.
 */
export function nodeDrainController(groups: ScalingGroups): ControllerEntry {
  return {
    name: 'node-drain-controller',
    component: 'node-drain-controller',
    // A pod that a budget holds must not hold up the others, nor the end: what was refused is asked for again below.
    maxRetries: 0,
    create: (context) => create(context, groups),
  };
}

function create(
  { client, lister, clock, recorder, log }: ControllerContext,
  groups: ScalingGroups,
): Controller {
  const all = lister(nodes);
  const allPods = lister(pods, { indexers: nodeIndex });

  async function evict({ metadata: { namespace, name, uid } }: Persisted<Pod>): Promise<void> {
    try {
      await client.createSubresource<Eviction, Status>(pods, { namespace, name }, 'eviction', {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { namespace, name },
        deleteOptions: { preconditions: { uid } },
      });
    } catch (error) {
      if (isKind(error, 'TooManyRequests'))
        log.debug({ pod: `${namespace}/${name}`, err: messageOf(error) }, 'not yet');
      else if (!isKind(error, 'NotFound', 'Conflict')) throw error;
    }
  }

  async function finish(node: Persisted<Node>, { action }: DrainRequest, left: number): Promise<void> {
    const message = left === 0 ? 'Node is empty' : `Time is over with ${left} pods left`;
    recorder.event({ ...node, apiVersion: 'v1', kind: 'Node' }, 'Normal', 'NodeDrained', message);
    log.info({ node: node.metadata.name, left }, 'drained');
    if (action) await groups.complete(action);
    // It stays cordoned. Whoever lost the race with another request for the same node looks again.
    const { name, resourceVersion } = node.metadata;
    const patch = { metadata: { resourceVersion, annotations: { [drainAnnotation]: null } } };
    await client.patch(nodes, { name }, { type: 'merge', patch });
  }

  async function reconcile(name: string): Promise<Result> {
    const node = all.get(name);
    const text = node?.metadata.annotations?.[drainAnnotation];
    if (!node || text === undefined) return done;
    const request = parseDrainRequest(text);
    if (!node.spec.unschedulable) {
      const patch = { metadata: { uid: node.metadata.uid }, spec: { unschedulable: true } };
      await client.patch(nodes, { name }, { type: 'merge', patch });
      recorder.event(
        { ...node, apiVersion: 'v1', kind: 'Node' },
        'Normal',
        'NodeNotSchedulable',
        `Node ${name} status is now: NodeNotSchedulable`,
      );
      return requeueAfter(1);
    }
    const left = allPods.byIndex(byNode, name).filter(mustGo);
    const restMs = Date.parse(request.deadline) - clock.now();
    if (left.length === 0 || restMs <= 0) {
      await finish(node, request, left.length);
      return done;
    }
    for (const pod of left) if (!pod.metadata.deletionTimestamp) await evict(pod);
    return requeueAfter(Math.min(retryMs, restMs));
  }

  return {
    name: 'node-drain-controller',
    watches: [
      watchOf(nodes, (change) => {
        const text = change.after?.metadata.annotations?.[drainAnnotation];
        const isNews =
          change.before === change.after || text !== change.before?.metadata.annotations?.[drainAnnotation];
        return text !== undefined && isNews ? ownKey(change) : [];
      }),
    ],
    reconcile,
  };
}

/** All but pods of DaemonSets, which would come back at once, pods of the node's own, and those that have ended. */
function mustGo(pod: Persisted<Pod>): boolean {
  const { annotations, ownerReferences } = pod.metadata;
  const isDaemon = ownerReferences?.some(({ controller, kind }) => controller && kind === 'DaemonSet');
  return !isDaemon && annotations?.[mirrorAnnotation] === undefined && !isPodTerminal(pod);
}
