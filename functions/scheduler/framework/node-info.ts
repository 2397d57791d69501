import type { Node, Taint } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { HostPort } from '../../../lib/api/host-ports.ts';
import type { PodInfo } from './pod-info.ts';
import type { PodKind } from './pod-kind.ts';
import type { Status } from './status.ts';
import { KumulusError } from '../../../lib/errors.ts';
import {
  addResources,
  amount,
  noResources,
  type Resources,
  resourcesOf,
  wholeOf,
} from '../../../lib/api/pod-resources.ts';

export interface Verdict {
  readonly kind: PodKind;
  readonly generation: number;
  readonly nominations: number;
  readonly status: Status | undefined;
}

/** A node with the pods that are on it, or are about to be, and the sums over them. */
export class NodeInfo {
  readonly name: string;
  node: Persisted<Node>;
  labels: Readonly<Record<string, string>> = {};
  taints: readonly Taint[] = [];
  allocatable: Resources = noResources();
  allowedPods = 0;
  readonly pods: Map<string, PodInfo>;
  readonly requested: Resources;
  readonly nonZeroRequested: { milliCpu: number; memory: number };
  /** Rises with every change of the node or of its pods. */
  generation = 0;
  /** What Filters last said of a pod of some kind, and of which state of the node and of nominations for it. */
  verdict: Verdict | undefined;
  /** Port and protocol to the addresses it is used on, and how often. */
  readonly #ports: Map<string, Map<string, number>>;

  /** `from`: another state of the same node, whose pods it has too. */
  constructor(node: Persisted<Node>, from?: NodeInfo) {
    this.name = node.metadata.name;
    this.node = node;
    this.pods = new Map(from?.pods);
    if (!from) {
      this.requested = noResources();
      this.nonZeroRequested = { milliCpu: 0, memory: 0 };
      this.#ports = new Map();
      this.setNode(node);
      return;
    }
    this.requested = { ...from.requested, scalars: new Map(from.requested.scalars) };
    this.nonZeroRequested = { ...from.nonZeroRequested };
    this.#ports = new Map([...from.#ports].map(([port, addresses]) => [port, new Map(addresses)]));
    this.labels = from.labels;
    this.taints = from.taints;
    this.allocatable = from.allocatable;
    this.allowedPods = from.allowedPods;
  }

  /** @throws KumulusError BadRequest when the node reports what is no quantity, or less than nothing. */
  setNode(node: Persisted<Node>): void {
    const list = node.status?.allocatable;
    const allocatable = resourcesOf(list);
    const allowedPods = list?.['pods'] === undefined ? 0 : wholeOf(list['pods']);
    for (const name of Object.keys(list ?? {})) {
      if (name !== 'pods' && amount(allocatable, name) >= 0) continue;
      if (name === 'pods' && allowedPods >= 0) continue;
      throw new KumulusError(
        'BadRequest',
        `status.allocatable[${name}]: Invalid value: "${list?.[name]}": must be greater than or equal to 0`,
      );
    }
    this.node = node;
    this.labels = node.metadata.labels ?? {};
    this.taints = node.spec.taints ?? [];
    this.allocatable = allocatable;
    this.allowedPods = allowedPods;
    this.generation++;
  }

  addPod(pod: PodInfo): void {
    this.pods.set(pod.key, pod);
    this.#count(pod, 1);
  }

  /** The same pod in another state, of which nothing is counted. */
  updatePod(pod: PodInfo): void {
    if (this.pods.has(pod.key)) this.pods.set(pod.key, pod);
  }

  removePod(key: string): void {
    const pod = this.pods.get(key);
    if (!pod) return;
    this.pods.delete(key);
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
    return new NodeInfo(this.node, this);
  }
}
