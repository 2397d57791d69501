import type { Node, Pod } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../lib/api/object.ts';
import { nodes, pods } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { disruptPod } from '../common/evict.ts';
import { isOutOfService } from '../common/out-of-service.ts';
import { isPodTerminal } from '../common/pods.ts';
import { byNode, nodeIndex } from '../common/pods-by-node.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';

/** How long a node has to be gone before its pods are (upstream's quarantine). */
const quarantineMs = 40_000;
/** The key under which pods that ended are counted; no pod's key is without a slash. */
const ended = 'terminated';

/** Removes pods that no node agent will ever remove: of nodes that are gone, never bound, or ended long ago. */
export const podGcController: ControllerEntry = {
  name: 'pod-garbage-collector',
  component: 'pod-garbage-collector',
  create,
};

function create(context: ControllerContext): Controller {
  const { client, lister, clock, cluster } = context;
  const allNodes = lister(nodes);
  const allPods = lister(pods, { indexers: nodeIndex });
  /** Since when a node that pods are bound to is known to be gone. */
  const goneSince = new Map<string, number>();

  async function collect(pod: Persisted<Pod>): Promise<Result> {
    const { nodeName } = pod.spec;
    if (!nodeName) {
      if (!pod.metadata.deletionTimestamp) return done;
      await remove(pod);
      return done;
    }
    const node = allNodes.get(nodeName);
    if (!node) return collectOrphan(pod, nodeName);
    goneSince.delete(nodeName);
    if (pod.metadata.deletionTimestamp && isOff(node)) {
      await disruptPod(context, pod, {
        reason: 'DeletionByPodGC',
        message: 'PodGC: node has an out-of-service taint',
        fail: true,
        gracePeriodSeconds: 0,
      });
    }
    return done;
  }

  async function collectOrphan(pod: Persisted<Pod>, nodeName: string): Promise<Result> {
    const since = goneSince.get(nodeName) ?? clock.now();
    goneSince.set(nodeName, since);
    const waitMs = since + quarantineMs - clock.now();
    if (waitMs > 0) return requeueAfter(waitMs);
    await disruptPod(context, pod, {
      reason: 'DeletionByPodGC',
      message: 'PodGC: node no longer exists',
      fail: true,
      gracePeriodSeconds: 0,
    });
    return done;
  }

  /** The oldest of those that ended go once there are too many of them. */
  async function collectEnded(): Promise<void> {
    const candidates = allPods.list().filter((pod) => isPodTerminal(pod) && !pod.metadata.deletionTimestamp);
    const surplus = candidates.length - cluster.terminatedPodGcThreshold;
    if (surplus <= 0) return;
    const oldest = candidates.sort((a, b) =>
      a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1,
    );
    for (const pod of oldest.slice(0, surplus)) await remove(pod);
  }

  async function remove({ metadata: { namespace, name, uid } }: Persisted<Pod>): Promise<void> {
    try {
      await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isKind(error, 'NotFound', 'Conflict')) throw error;
    }
  }

  async function reconcile(key: string): Promise<Result> {
    if (key === ended) {
      await collectEnded();
      return done;
    }
    const pod = allPods.get(key);
    return pod ? collect(pod) : done;
  }

  function concerns({ metadata, spec }: Pod): boolean {
    if (!spec.nodeName) return metadata.deletionTimestamp !== undefined;
    const node = allNodes.get(spec.nodeName);
    return !node || (metadata.deletionTimestamp !== undefined && isOutOfService(node));
  }

  return {
    name: 'pod-garbage-collector',
    watches: [
      watchOf(pods, ({ before, after }) => {
        if (!after) return [];
        const keys = concerns(after) ? [keyOf(after)] : [];
        const justEnded = isPodTerminal(after) && !(before && before !== after && isPodTerminal(before));
        return justEnded && cluster.terminatedPodGcThreshold > 0 ? [...keys, ended] : keys;
      }),
      watchOf(nodes, ({ before, after }) => {
        if (after) goneSince.delete(after.metadata.name);
        const node = after ?? before;
        if (!node || (after && !isOff(after))) return [];
        return allPods.byIndex(byNode, node.metadata.name).map(keyOf);
      }),
    ],
    reconcile,
  };
}

/** An administrator says that the machine is off, and it looks like it. */
function isOff(node: Node): boolean {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  return ready !== 'True' && isOutOfService(node);
}
