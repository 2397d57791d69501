import type { Namespace, Node, Pod } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../lib/api/object.ts';
import { differ, resizedOf } from '../object-changes.ts';
import { NodeChanges } from './node-changes.ts';
import { NodeInfo } from './node-info.ts';
import { type PodInfo, podInfoOf } from './pod-info.ts';

/** What a cycle may read of the cluster. Nothing changes while one runs, as cycles do not wait for anything. */
export interface Snapshot {
  /** In the order in which nodes are tried: zones take turns. */
  readonly nodes: readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  /** Which nodes hold the image, and how large it is by the first that said so; the name has a tag. */
  image(name: string): { nodes: ReadonlySet<string>; sizeBytes: number } | undefined;
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  /** Which nodes, or pods on them, change. */
  readonly changes: NodeChanges;
  /** Called with each pod that comes to or leaves a node. For counts that are kept rather than made anew. */
  observe(observer: SnapshotObserver): void;
}

export interface SnapshotObserver {
  podAdded?(pod: PodInfo, node: NodeInfo): void;
  podRemoved?(pod: PodInfo, node: NodeInfo): void;
  nodesChanged?(how: NodesChange): void;
  namespacesChanged?(): void;
}

export type NodesChange = 'added' | 'removed' | 'relabelled';

interface Placed {
  info: PodInfo;
  nodeName: string;
  /** Ours, and not yet seen in the API. */
  assumed: boolean;
}

/** The warm state: fed by informers, and ahead of them by what this scheduler has decided. */
export class ClusterState implements Snapshot {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #placed = new Map<string, Placed>();
  /** Pods on nodes that are not known (yet, or any more). */
  readonly #orphans = new Map<string, Map<string, PodInfo>>();
  readonly #images = new Map<string, { nodes: Set<string>; sizeBytes: number }>();
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  readonly #observers: SnapshotObserver[] = [];
  readonly changes = new NodeChanges();
  #order: readonly NodeInfo[] | undefined = [];

  get nodes(): readonly NodeInfo[] {
    this.#order ??= byZonesInTurn([...this.#nodes.values()]);
    return this.#order;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  image(name: string): { nodes: ReadonlySet<string>; sizeBytes: number } | undefined {
    return this.#images.get(name);
  }

  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined {
    return this.#namespaces.get(name);
  }

  observe(observer: SnapshotObserver): void {
    this.#observers.push(observer);
  }

  /** The node a pod is on, or is taken to be on. */
  placement(podKey: string): { info: PodInfo; nodeName: string; assumed: boolean } | undefined {
    return this.#placed.get(podKey);
  }

  get placedPods(): number {
    return this.#placed.size;
  }

  /** @throws KumulusError BadRequest when the node reports what is no quantity; the node is then left out. */
  setNode(node: Persisted<Node>): void {
    const { name } = node.metadata;
    const known = this.#nodes.get(name);
    this.changes.note(name);
    try {
      if (known) {
        const before = known.node;
        known.setNode(node);
        if (zoneOf(before) !== zoneOf(node)) this.#order = undefined;
        this.#setImages(name, node);
        if (JSON.stringify(before.metadata.labels) !== JSON.stringify(node.metadata.labels)) {
          this.#nodesChanged('relabelled');
        }
        return;
      }
      const info = new NodeInfo(node);
      this.#nodes.set(name, info);
      this.#order = undefined;
      this.#setImages(name, node);
      this.#nodesChanged('added');
      const orphans = this.#orphans.get(name);
      this.#orphans.delete(name);
      for (const pod of orphans?.values() ?? []) this.#enter(pod, name);
    } catch (error) {
      this.removeNode(name);
      throw error;
    }
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (!info) return;
    for (const pod of [...info.pods.values()]) {
      this.#leave(pod, name);
      this.#orphan(pod, name);
    }
    this.#nodes.delete(name);
    this.#order = undefined;
    this.#setImages(name, undefined);
    this.#nodesChanged('removed');
  }

  /** A pod that the API shows on a node, whether or not this scheduler put it there. */
  setPod(pod: Persisted<Pod>): void {
    const nodeName = pod.spec.nodeName ?? '';
    const placed = this.#placed.get(keyOf(pod));
    if (placed?.nodeName === nodeName && countsTheSame(placed.info.pod, pod)) {
      // What agents and controllers say of a pod is most of what is written of it, and changes nothing that is counted.
      const info = { ...placed.info, pod };
      this.#placed.set(info.key, { info, nodeName, assumed: false });
      const node = this.#nodes.get(nodeName);
      if (node) node.updatePod(info);
      else this.#orphan(info, nodeName);
      if (placed.info.pod.status?.startTime !== pod.status?.startTime) this.#touch(nodeName);
      return;
    }
    this.#place(podInfoOf(pod), nodeName, false);
  }

  /** What was kept of the node may not hold any more. */
  #touch(nodeName: string): void {
    const node = this.#nodes.get(nodeName);
    if (node) node.generation++;
    this.changes.note(nodeName);
  }

  removePod(key: string): void {
    const placed = this.#placed.get(key);
    if (!placed) return;
    this.#placed.delete(key);
    this.#leave(placed.info, placed.nodeName);
    this.#orphans.get(placed.nodeName)?.delete(key);
  }

  /** Takes a pod to be on a node from now on, before the API knows. */
  assume(info: PodInfo, nodeName: string): void {
    this.#place(info, nodeName, true);
  }

  /** Undoes `assume`, unless the API has shown the pod on a node meanwhile. */
  forget(key: string): void {
    if (this.#placed.get(key)?.assumed) this.removePod(key);
  }

  setNamespace(namespace: Persisted<Namespace>): void {
    const { name, labels = {} } = namespace.metadata;
    const known = this.#namespaces.get(name);
    if (known && JSON.stringify(known) === JSON.stringify(labels)) return;
    this.#namespaces.set(name, labels);
    for (const observer of this.#observers) observer.namespacesChanged?.();
  }

  removeNamespace(name: string): void {
    this.#namespaces.delete(name);
    for (const observer of this.#observers) observer.namespacesChanged?.();
  }

  #place(info: PodInfo, nodeName: string, assumed: boolean): void {
    const before = this.#placed.get(info.key);
    this.#placed.set(info.key, { info, nodeName, assumed });
    if (before) {
      this.#leave(before.info, before.nodeName);
      this.#orphans.get(before.nodeName)?.delete(info.key);
    }
    this.#enter(info, nodeName);
  }

  #enter(info: PodInfo, nodeName: string): void {
    const node = this.#nodes.get(nodeName);
    if (!node) return this.#orphan(info, nodeName);
    node.addPod(info);
    this.changes.note(nodeName);
    for (const observer of this.#observers) observer.podAdded?.(info, node);
  }

  #leave(info: PodInfo, nodeName: string): void {
    const node = this.#nodes.get(nodeName);
    if (!node?.pods.has(info.key)) return;
    node.removePod(info.key);
    this.changes.note(nodeName);
    for (const observer of this.#observers) observer.podRemoved?.(info, node);
  }

  #orphan(info: PodInfo, nodeName: string): void {
    const pods = this.#orphans.get(nodeName) ?? new Map<string, PodInfo>();
    pods.set(info.key, info);
    this.#orphans.set(nodeName, pods);
  }

  #nodesChanged(how: NodesChange): void {
    for (const observer of this.#observers) observer.nodesChanged?.(how);
  }

  #setImages(nodeName: string, node: Persisted<Node> | undefined): void {
    const now = new Map<string, number>();
    for (const { names, sizeBytes } of node?.status?.images ?? []) {
      for (const name of names ?? []) now.set(name, sizeBytes ?? 0);
    }
    for (const name of this.#imagesOf.get(nodeName) ?? []) {
      if (now.has(name)) continue;
      const image = this.#images.get(name);
      image?.nodes.delete(nodeName);
      if (image?.nodes.size === 0) this.#images.delete(name);
    }
    for (const [name, sizeBytes] of now) {
      const image = this.#images.get(name) ?? { nodes: new Set<string>(), sizeBytes };
      image.nodes.add(nodeName);
      this.#images.set(name, image);
    }
    if (node) this.#imagesOf.set(nodeName, [...now.keys()]);
    else this.#imagesOf.delete(nodeName);
  }

  readonly #imagesOf = new Map<string, readonly string[]>();
}

/** Whether all that plugins count by is the same: what the pod asks for, its labels, and whether it is on its way out. */
function countsTheSame(before: Persisted<Pod>, after: Persisted<Pod>): boolean {
  const [was, is] = [before.metadata, after.metadata];
  return (
    was.uid === is.uid &&
    was.generation !== undefined &&
    was.generation === is.generation &&
    was.deletionTimestamp === is.deletionTimestamp &&
    !differ(was.labels, is.labels) &&
    !differ(resizedOf(before), resizedOf(after))
  );
}

/** Region and zone, as the cloud labels them; nodes without either share one zone. */
function zoneOf(node: Node): string {
  const labels = node.metadata.labels ?? {};
  const zone =
    labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? '';
  const region =
    labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? '';
  return `${region}:\0:${zone}`;
}

/** One node of each zone after another, so that a sample of the first nodes is spread over the zones. */
function byZonesInTurn(nodes: NodeInfo[]): NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const zone = zoneOf(node.node);
    const members = zones.get(zone);
    if (members) members.push(node);
    else zones.set(zone, [node]);
  }
  if (zones.size <= 1) return nodes;
  const ordered: NodeInfo[] = [];
  for (let turn = 0; ordered.length < nodes.length; turn++) {
    for (const members of zones.values()) {
      const node = members[turn];
      if (node) ordered.push(node);
    }
  }
  return ordered;
}
