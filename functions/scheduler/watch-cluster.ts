import type { Node, Pod, Volume } from '../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../lib/api/object.ts';
import type { ObjectChange } from '../../lib/client/lister.ts';
import { namespaces, nodes, pods } from '../../lib/client/resources.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Nominator } from './framework/nominator.ts';
import type { PodInfo } from './framework/pod-info.ts';
import { podInfoOf } from './framework/pod-info.ts';
import type { Profile } from './framework/profile.ts';
import type { ClusterState } from './framework/snapshot.ts';
import type { WaitingPods } from './framework/waiting-pods.ts';
import { assignedPodActions, isOver, nodeActions } from './object-changes.ts';
import type { SchedulingQueue } from './queue/queue.ts';
import type { SchedulerDeps } from './scheduler.ts';

interface Parts extends SchedulerDeps {
  state: ClusterState;
  queue: SchedulingQueue;
  nominator: Nominator;
  waiting: WaitingPods;
  profiles: ReadonlyMap<string, Profile>;
}

/** Feeds the warm state and the queue from the informers. */
export function watchCluster(parts: Parts) {
  const { informers, log, nominator, queue, recorder, state, waiting, profiles } = parts;
  const podInformer = informers.informer(pods);
  const nodeInformer = informers.informer(nodes);
  const namespaceInformer = informers.informer(namespaces);
  /** Only pods with volumes or claims need to know of these as of now. */
  let needsObjects = false;

  podInformer.onChange(({ before, after }) => {
    // A name that was taken again is two changes.
    if (before && after && before.metadata.uid !== after.metadata.uid) {
      podChanged({ before, after: undefined });
      podChanged({ before: undefined, after });
    } else podChanged({ before, after });
  });
  nodeInformer.onChange(nodeChanged);
  namespaceInformer.onChange(({ before, after }) => {
    if (!after) {
      if (before) state.removeNamespace(before.metadata.name);
      return;
    }
    state.setNamespace(after);
    queue.notify({ resource: 'Namespace', actions: [before ? 'Update' : 'Add'], before, after });
  });

  for (const { event: resource, informer } of parts.watched) {
    if (!resource) continue;
    informer.onChange(({ before, after }) => {
      if (before && after && before.metadata.resourceVersion === after.metadata.resourceVersion) return;
      queue.notify({ resource, actions: [before ? (after ? 'Update' : 'Delete') : 'Add'], before, after });
    });
  }

  function podChanged({ before, after }: ObjectChange<Pod>): void {
    const was = before && holdsNode(before) ? before : undefined;
    if (after && holdsNode(after)) return onNode(was, after);
    // A binding that was taken back leaves a pod that waits again.
    if (was) leftNode(was);
    if (was && !after) return;
    if (!after || isOver(after)) return vanished(keyOf((after ?? before) as Persisted<Pod>));
    pending(after);
  }

  function onNode(was: Persisted<Pod> | undefined, pod: Persisted<Pod>): void {
    const key = keyOf(pod);
    queue.delete(key);
    nominator.delete(key);
    try {
      state.setPod(pod);
    } catch (error) {
      log.error({ pod: key, err: messageOf(error) }, 'a pod on a node asks for what cannot be read');
      return;
    }
    const actions = was ? assignedPodActions(was, pod) : (['Add'] as const);
    if (actions.length > 0) queue.notify({ resource: 'AssignedPod', actions, before: was, after: pod });
  }

  function leftNode(was: Persisted<Pod>): void {
    const key = keyOf(was);
    state.removePod(key);
    waiting.get(key)?.reject('', 'pod was deleted');
    queue.notify({ resource: 'AssignedPod', actions: ['Delete'], before: was, after: undefined });
  }

  function vanished(key: string): void {
    const nominated = nominator.nodeOf(key);
    const info = queue.get(key);
    queue.delete(key);
    nominator.delete(key);
    state.removePod(key);
    waiting.get(key)?.reject('', 'pod was deleted');
    if (nominated && info) podReleased(info);
  }

  function pending(pod: Persisted<Pod>): void {
    if (!profiles.has(pod.spec.schedulerName ?? 'default-scheduler')) return;
    needsObjects ||= Boolean(pod.spec.volumes?.some(isClaim) || pod.spec.resourceClaims?.length);
    const key = keyOf(pod);
    const placed = state.placement(key);
    if (placed?.assumed) {
      // An older state of a pod that is being bound: the binding decides.
      if (placed.info.pod.metadata.uid === pod.metadata.uid) return;
      state.forget(key);
    }
    try {
      queue.put(pod);
      const nodeName = pod.status?.nominatedNodeName;
      if (nodeName && !nominator.nodeOf(key)) nominator.set(podInfoOf(pod), nodeName);
    } catch (error) {
      log.error({ pod: key, err: messageOf(error) }, 'a pod cannot be read');
      recorder.event(pod, 'Warning', 'FailedScheduling', messageOf(error));
    }
  }

  function nodeChanged({ before, after }: ObjectChange<Node>): void {
    if (!after) {
      if (before) state.removeNode(before.metadata.name);
      return;
    }
    try {
      state.setNode(after);
    } catch (error) {
      log.warn(
        { node: after.metadata.name, err: messageOf(error) },
        'a node reports a capacity that cannot be read',
      );
      if (!before || nodeActions(before, after).includes('UpdateNodeAllocatable')) {
        const message = `status.allocatable cannot be read, no pod is placed here: ${messageOf(error)}`;
        recorder.event(after, 'Warning', 'InvalidAllocatable', message);
      }
      return;
    }
    const actions = before ? nodeActions(before, after) : (['Add'] as const);
    if (actions.length > 0) queue.notify({ resource: 'Node', actions, before, after });
  }

  /** What a pod held, or would have held, is free for others. */
  function podReleased({ pod }: PodInfo): void {
    queue.notify({ resource: 'AssignedPod', actions: ['Delete'], before: pod, after: undefined });
  }

  return {
    podReleased,

    /** The pod as the API shows it, if it still waits for a node. */
    pendingPod({ key, pod }: PodInfo): Persisted<Pod> | undefined {
      const current = podInformer.get(key);
      if (!current || current.metadata.uid !== pod.metadata.uid) return undefined;
      return holdsNode(current) || isOver(current) ? undefined : current;
    },

    podExists: (pod: Persisted<Pod>) => podInformer.get(keyOf(pod))?.metadata.uid === pod.metadata.uid,

    /** Sees what the API knows of pods by now. */
    refreshPods: () => podInformer.catchUp(),

    /** What hears of changes as they come needs `all` of it no more often than somebody asks: pods and nodes decide. */
    async catchUp({ all }: { all: boolean }): Promise<void> {
      const objects = all || needsObjects ? parts.watched.map(({ informer }) => informer) : [];
      const informed = [podInformer, nodeInformer, namespaceInformer, ...objects];
      await Promise.all(informed.map((informer) => informer.catchUp()));
    },
  };
}

function isClaim({ persistentVolumeClaim, ephemeral }: Volume): boolean {
  return Boolean(persistentVolumeClaim ?? ephemeral);
}

function holdsNode(pod: Pod): boolean {
  return Boolean(pod.spec.nodeName) && !isOver(pod);
}
