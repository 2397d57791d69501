import type { Node, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { leases, nodes, pods } from '../../../lib/client/resources.ts';
import { rfc3339 } from '../../../lib/clock.ts';
import { isKind } from '../../../lib/errors.ts';
import { semanticEqual } from '../common/equal.ts';
import { isPodReady } from '../common/pods.ts';
import { byNode, nodeIndex } from '../common/pods-by-node.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { lastSignMs, silentConditions } from './health.ts';
import { evictionKey, isEvictionTaint, readyStatus, sameTaints, wantedTaints } from './taints.ts';
import { evictionDelayMs } from './zones.ts';

const leaseNamespace = 'kube-node-lease';

/**
 * Notices nodes that fell silent, and taints nodes by their conditions. How long a node was silent counts from what
 * it last said, but never from before this process first saw it: after a restart every node has its full grace.
 * One node at a time, for the rate at which nodes are emptied is read from the nodes themselves.
 */
export const nodeLifecycleController: ControllerEntry = {
  name: 'node-lifecycle',
  component: 'node-controller',
  concurrency: 1,
  create,
};

function create({ client, lister, clock, cluster, recorder }: ControllerContext): Controller {
  const all = lister(nodes);
  const allLeases = lister(leases);
  const allPods = lister(pods, { indexers: nodeIndex });
  /** When this process first saw a node, and whether it was ready when last looked at. */
  const seen = new Map<string, { uid: string; sinceMs: number; ready: string | undefined }>();

  function memoryOf({ metadata }: Persisted<Node>) {
    const found = seen.get(metadata.name);
    if (found?.uid === metadata.uid) return found;
    if (found) tellRemoved(metadata.name, found.uid);
    const fresh = { uid: metadata.uid, sinceMs: clock.now(), ready: undefined };
    seen.set(metadata.name, fresh);
    // A process that starts does not tell of every node there is.
    if (clock.now() - Date.parse(metadata.creationTimestamp) < cluster.nodeStartupGracePeriodMs) {
      tell(metadata.name, metadata.uid, 'RegisteredNode', `Registered Node ${metadata.name} in Controller`);
    }
    return fresh;
  }

  /** About the node as it was known, which may be gone. */
  function tell(name: string, uid: string, reason: string, text: string): void {
    const about = { apiVersion: 'v1', kind: nodes.kind, metadata: { name, uid } };
    recorder.event(about, 'Normal', reason, `Node ${name} event: ${text}`);
  }

  function tellRemoved(name: string, uid: string): void {
    tell(name, uid, 'RemovingNode', `Removing Node ${name} from Controller`);
  }

  /** Absolute, in ms. */
  function silentAt(node: Persisted<Node>, sinceMs: number): number {
    const graceMs = readyStatus(node) ? cluster.nodeMonitorGracePeriodMs : cluster.nodeStartupGracePeriodMs;
    const lease = allLeases.get(`${leaseNamespace}/${node.metadata.name}`);
    return Math.max(lastSignMs(node, lease), sinceMs) + graceMs;
  }

  async function markSilent(node: Persisted<Node>): Promise<Persisted<Node>> {
    const conditions = silentConditions(node, clock.now());
    if (semanticEqual(conditions, node.status?.conditions)) return node;
    return client.update(
      nodes,
      { ...node, status: { ...node.status, conditions } },
      { subresource: 'status' },
    );
  }

  /** Traffic goes elsewhere while nobody can say how the pods are. */
  async function markPodsNotReady(name: string): Promise<void> {
    for (const pod of allPods.byIndex(byNode, name).filter(isPodReady)) await markNotReady(pod);
  }

  async function markNotReady(pod: Persisted<Pod>): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const condition = { type: 'Ready', status: 'False', lastTransitionTime: rfc3339(clock.now()) };
    const patch = { metadata: { uid }, status: { conditions: [condition] } };
    try {
      await client.patch(pods, { namespace, name }, { type: 'strategic', patch }, { subresource: 'status' });
      recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    } catch (error) {
      if (!isKind(error, 'NotFound', 'Conflict')) throw error;
    }
  }

  /** Resolves with when to come again for the sake of an eviction that has to wait for its turn. */
  async function taint(node: Persisted<Node>): Promise<number | undefined> {
    const others = all.list().map((other) => (other.metadata.uid === node.metadata.uid ? node : other));
    const delayMs = evictionKey(node) ? evictionDelayMs(node, others, clock.now()) : undefined;
    const already = node.spec?.taints?.some(isEvictionTaint) ?? false;
    const evict = delayMs === 0 || (already && delayMs !== undefined);
    const taints = wantedTaints(node, evict, rfc3339(clock.now()));
    if (!sameTaints(taints, node.spec?.taints ?? [])) {
      const { name, resourceVersion } = node.metadata;
      const patch = { metadata: { resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } };
      await client.patch(nodes, { name }, { type: 'merge', patch });
    }
    return evict ? undefined : delayMs;
  }

  async function reconcile(name: string): Promise<Result> {
    const node = all.get(name);
    if (!node) {
      const known = seen.get(name);
      if (known) tellRemoved(name, known.uid);
      seen.delete(name);
      return done;
    }
    if (node.metadata.deletionTimestamp) return done;
    const memory = memoryOf(node);
    const silentInMs = silentAt(node, memory.sinceMs) - clock.now();
    const current = silentInMs <= 0 ? await markSilent(node) : node;
    const ready = readyStatus(current);
    const wasReady = memory.ready === 'True' || readyStatus(node) === 'True';
    if (ready !== 'True' && wasReady) {
      recorder.event(current, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    }
    if (ready === 'Unknown' || (ready === 'False' && wasReady)) await markPodsNotReady(name);
    memory.ready = ready;
    const turnMs = await taint(current);
    const next = Math.min(
      silentInMs > 0 ? silentInMs : Number.POSITIVE_INFINITY,
      turnMs ?? Number.POSITIVE_INFINITY,
    );
    return Number.isFinite(next) ? requeueAfter(Math.max(1, next)) : done;
  }

  return {
    name: 'node-lifecycle',
    watches: [
      watchOf(nodes, (change) => {
        const { before, after } = change;
        // Heartbeats are many and say nothing new: the timer that runs reads the last one.
        if (before && after && before !== after && sameState(before, after)) return [];
        // Who is ready decides for the others whether anybody may be driven off.
        const turned = !before || !after || readyStatus(before) !== readyStatus(after);
        return turned ? [...ownKey(change), ...failedNodes()] : ownKey(change);
      }),
      watchOf(leases, ({ after }) => {
        const name = after?.metadata.namespace === leaseNamespace ? after.metadata.name : undefined;
        const node = name ? all.get(name) : undefined;
        return node && readyStatus(node) === undefined ? [node.metadata.name] : [];
      }),
      watchOf(pods, ({ before, after }) => {
        const node =
          after?.spec.nodeName && !before?.spec.nodeName ? all.get(after.spec.nodeName) : undefined;
        return node && readyStatus(node) === 'Unknown' ? [node.metadata.name] : [];
      }),
    ],
    reconcile,
  };

  function failedNodes(): string[] {
    return all
      .list()
      .filter((node) => evictionKey(node) !== undefined)
      .map((node) => node.metadata.name);
  }
}

function sameState(one: Node, other: Node): boolean {
  const state = (node: Node) => [
    node.spec,
    node.metadata.deletionTimestamp,
    node.metadata.uid,
    node.status?.conditions?.map(({ type, status }) => [type, status]),
  ];
  return semanticEqual(state(one), state(other));
}
