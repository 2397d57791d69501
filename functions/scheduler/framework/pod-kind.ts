import type { PodInfo } from './pod-info.ts';

/** Stands for all pods that no Filter which goes by the node alone can tell apart. Compared by identity. */
export interface PodKind {
  readonly signature: string;
}

/** Kinds that are known at once; past it they are found anew, and what was kept for them is not found again. */
const maxKinds = 256;
const kinds = new Map<string, PodKind>();
const known = new WeakMap<PodInfo, PodKind>();

export function podKindOf(info: PodInfo): PodKind {
  const found = known.get(info);
  if (found) return found;
  const signature = signatureOf(info);
  let kind = kinds.get(signature);
  if (!kind) {
    if (kinds.size >= maxKinds) kinds.clear();
    kind = { signature };
    kinds.set(signature, kind);
  }
  known.set(info, kind);
  return kind;
}

function signatureOf({ pod, priority }: PodInfo): string {
  const { containers, initContainers, overhead, resources, tolerations, nodeSelector, affinity, nodeName } =
    pod.spec;
  return JSON.stringify([
    // Filters of another profile may have other arguments.
    pod.spec.schedulerName,
    priority,
    containers.map((container) => [container.resources, container.ports]),
    (initContainers ?? []).map((container) => [
      container.resources,
      container.ports,
      container.restartPolicy,
    ]),
    overhead,
    resources,
    tolerations,
    nodeSelector,
    affinity?.nodeAffinity,
    nodeName,
  ]);
}
