import type { Node, Taint } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { HostPort, PodInfo } from './pod-info.ts';
import {
  addResources,
  noResources,
  type Resources,
  resourcesOf,
  wholeOf,
} from '../../../lib/api/pod-resources.ts';

/** A node with the pods that are on it, or are about to be, and the sums over them. */
export class NodeInfo {
  readonly name: string;
  node: Persisted<Node>;
  labels: Readonly<Record<string, string>> = {};
  taints: readonly Taint[] = [];
  allocatable: Resources = noResources();
  allowedPods = 0;
  readonly pods = new Map<string, PodInfo>();
  readonly podsWithAffinity = new Map<string, PodInfo>();
  readonly podsWithRequiredAntiAffinity = new Map<string, PodInfo>();
  readonly requested: Resources = noResources();
  readonly nonZeroRequested = { milliCpu: 0, memory: 0 };
  /** Rises with every change of the node or of its pods. */
  generation = 0;
  /** Port and protocol to the addresses it is used on, and how often. */
  readonly #ports = new Map<string, Map<string, number>>();

  constructor(node: Persisted<Node>) {
    this.name = node.metadata.name;
    this.node = node;
    this.setNode(node);
  }

  /** @throws KumulusError BadRequest when the node reports what is no quantity. */
  setNode(node: Persisted<Node>): void {
    const list = node.status?.allocatable;
    const allocatable = resourcesOf(list);
    const allowedPods = list?.['pods'] === undefined ? 0 : wholeOf(list['pods']);
    this.node = node;
    this.labels = node.metadata.labels ?? {};
    this.taints = node.spec.taints ?? [];
    this.allocatable = allocatable;
    this.allowedPods = allowedPods;
    this.generation++;
  }

  addPod(pod: PodInfo): void {
    this.pods.set(pod.key, pod);
    if (pod.affinity) {
      this.podsWithAffinity.set(pod.key, pod);
      if (pod.affinity.requiredAnti.length > 0) this.podsWithRequiredAntiAffinity.set(pod.key, pod);
    }
    this.#count(pod, 1);
  }

  removePod(key: string): void {
    const pod = this.pods.get(key);
    if (!pod) return;
    this.pods.delete(key);
    this.podsWithAffinity.delete(key);
    this.podsWithRequiredAntiAffinity.delete(key);
    this.#count(pod, -1);
  }

  #count(pod: PodInfo, times: 1 | -1): void {
    this.generation++;
    const { requested, nonZero } = pod.requests;
    addResources(this.requested, requested, times);
    this.nonZeroRequested.milliCpu += times * nonZero.milliCpu;
    this.nonZeroRequested.memory += times * nonZero.memory;
    for (const { ip, protocol, port } of pod.hostPorts) {
      const key = `${protocol}/${port}`;
      const addresses = this.#ports.get(key) ?? new Map<string, number>();
      const count = (addresses.get(ip) ?? 0) + times;
      if (count > 0) addresses.set(ip, count);
      else addresses.delete(ip);
      if (addresses.size > 0) this.#ports.set(key, addresses);
      else this.#ports.delete(key);
    }
  }

  /** 0.0.0.0 stands for every address: it meets any other on the same port and protocol. */
  portInUse({ ip, protocol, port }: HostPort): boolean {
    const addresses = this.#ports.get(`${protocol}/${port}`);
    if (!addresses) return false;
    return ip === '0.0.0.0' || addresses.has('0.0.0.0') || addresses.has(ip);
  }

  /** A copy to try things out on. Pods are shared: they do not change. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.node);
    for (const pod of this.pods.values()) copy.addPod(pod);
    return copy;
  }
}
