import type { NodeChanges } from './node-changes.ts';
import type { PodInfo } from './pod-info.ts';

/** Waiting pods that preemption made room for, by the node where. In memory and, as `status.nominatedNodeName`, in the API. */
export class Nominator {
  readonly #nodeOf = new Map<string, string>();
  readonly #byNode = new Map<string, Map<string, PodInfo>>();
  readonly #versions = new Map<string, number>();
  readonly #nodeChanges: NodeChanges;
  #changes = 0;

  constructor(nodeChanges: NodeChanges) {
    this.#nodeChanges = nodeChanges;
  }

  set(pod: PodInfo, nodeName: string): void {
    this.delete(pod.key);
    this.#nodeOf.set(pod.key, nodeName);
    const pods = this.#byNode.get(nodeName) ?? new Map<string, PodInfo>();
    pods.set(pod.key, pod);
    this.#byNode.set(nodeName, pods);
    this.#changed(nodeName);
  }

  delete(podKey: string): void {
    const nodeName = this.#nodeOf.get(podKey);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(podKey);
    this.#changed(nodeName);
    const pods = this.#byNode.get(nodeName);
    pods?.delete(podKey);
    if (pods?.size === 0) this.#byNode.delete(nodeName);
  }

  #changed(nodeName: string): void {
    this.#versions.set(nodeName, ++this.#changes);
    this.#nodeChanges.note(nodeName);
  }

  get isEmpty(): boolean {
    return this.#byNode.size === 0;
  }

  /** Another number whenever the nominations for the node are others. */
  version(nodeName: string): number {
    return this.#versions.get(nodeName) ?? 0;
  }

  nodeOf(podKey: string): string | undefined {
    return this.#nodeOf.get(podKey);
  }

  on(nodeName: string): readonly PodInfo[] {
    const pods = this.#byNode.get(nodeName);
    return pods ? [...pods.values()] : none;
  }
}

const none: readonly PodInfo[] = [];
