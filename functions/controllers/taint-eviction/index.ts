import type { Node, Pod, Taint } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../lib/api/object.ts';
import { nodes, pods } from '../../../lib/client/resources.ts';
import { semanticEqual } from '../common/equal.ts';
import { disruptPod } from '../common/evict.ts';
import { byNode, nodeIndex } from '../common/pods-by-node.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { toleratedSeconds } from './tolerations.ts';

/** Deletes pods that do not tolerate a NoExecute taint of their node, or not for longer. */
export const taintEvictionController: ControllerEntry = {
  name: 'taint-eviction',
  component: 'taint-eviction-controller',
  concurrency: 8,
  create,
};

function create(context: ControllerContext): Controller {
  const { lister, clock, recorder } = context;
  const allNodes = lister(nodes);
  const allPods = lister(pods, { indexers: nodeIndex });
  /** Since when a pod stands beside taints that do not say when they came; by the pod's uid. */
  const since = new Map<string, number>();

  function sinceMs(pod: Persisted<Pod>, taints: readonly Taint[]): number {
    const times = taints.map((taint) => (taint.timeAdded ? Date.parse(taint.timeAdded) : undefined));
    const known = times.every((time) => time !== undefined);
    if (!known && !since.has(pod.metadata.uid)) since.set(pod.metadata.uid, clock.now());
    const from = known ? Math.min(...times) : (since.get(pod.metadata.uid) as number);
    return Math.max(from, Date.parse(pod.metadata.creationTimestamp));
  }

  async function reconcile(key: string): Promise<Result> {
    const pod = allPods.get(key);
    if (!pod || pod.metadata.deletionTimestamp || !pod.spec.nodeName) return forget(pod);
    const taints = noExecute(allNodes.get(pod.spec.nodeName));
    if (taints.length === 0) return forget(pod);
    const seconds = toleratedSeconds(pod.spec.tolerations ?? [], taints);
    if (seconds === Number.POSITIVE_INFINITY) return forget(pod);
    const waitMs = seconds === 0 ? 0 : sinceMs(pod, taints) + seconds * 1000 - clock.now();
    if (waitMs > 0) return requeueAfter(waitMs);
    recorder.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    await disruptPod(context, pod, {
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    });
    return forget(pod);
  }

  function forget(pod: Persisted<Pod> | undefined): Result {
    if (pod) since.delete(pod.metadata.uid);
    return done;
  }

  return {
    name: 'taint-eviction',
    watches: [
      watchOf(pods, ({ before, after }) => {
        if (!after) {
          if (before) since.delete(before.metadata.uid);
          return [];
        }
        const node = after.spec.nodeName ? allNodes.get(after.spec.nodeName) : undefined;
        return noExecute(node).length > 0 ? [keyOf(after)] : [];
      }),
      watchOf(nodes, ({ before, after }) => {
        const same = before !== after && semanticEqual(noExecute(before), noExecute(after));
        return after && !same ? allPods.byIndex(byNode, after.metadata.name).map(keyOf) : [];
      }),
    ],
    reconcile,
  };
}

function noExecute(node: Node | undefined): Taint[] {
  return node?.spec?.taints?.filter((taint) => taint.effect === 'NoExecute') ?? [];
}
