import type { NodeInfo } from './node-info.ts';
import type { NodeStatuses } from './node-statuses.ts';
import type { PodKind } from './pod-kind.ts';
import type { Profile } from './profile.ts';
import type { Snapshot } from './snapshot.ts';
import { isRejected, type Status } from './status.ts';

/** Kinds of pods that are remembered; the one not asked for the longest makes room. */
const maxKinds = 8;
/** Nodes that may take a pod again. With more of them the cluster is not full any more, and is looked at as a whole. */
const maxOpen = 100;

interface Refusal {
  readonly profile: Profile;
  readonly nodes: readonly NodeInfo[];
  readonly statuses: NodeStatuses;
  /** Nodes that changed since they turned a pod of the kind down, and have not done so again. */
  readonly open: Set<NodeInfo>;
  mark: number;
}

export interface Recalled {
  readonly feasible: NodeInfo[];
  readonly statuses: NodeStatuses;
  readonly failure?: Status;
}

/**
 * What every node of a full cluster said of the last pod of a kind: the next one of its kind asks only the nodes that have
 * changed since. For Filters that go by the node alone.
 */
export class Refusals {
  readonly #snapshot: Snapshot;
  readonly #kinds = new Map<PodKind, Refusal>();

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  /** All nodes turned a pod of the kind down, with these answers. The answers are kept up to date from now on. */
  remember(profile: Profile, kind: PodKind, statuses: NodeStatuses): void {
    const { nodes, changes } = this.#snapshot;
    this.#kinds.set(kind, { profile, nodes, statuses, open: new Set(), mark: changes.mark });
    if (this.#kinds.size <= maxKinds) return;
    const [oldest] = this.#kinds.keys();
    if (oldest) this.#kinds.delete(oldest);
  }

  /** Undefined when every node has to be asked. `statuses` holds until the next call for the same kind. */
  recall(profile: Profile, kind: PodKind, ask: (node: NodeInfo) => Status | undefined): Recalled | undefined {
    const { nodes, changes } = this.#snapshot;
    const known = this.#kinds.get(kind);
    if (!known) return undefined;
    this.#kinds.delete(kind);
    const changed = changes.since(known.mark);
    if (known.profile !== profile || known.nodes !== nodes || !changed) return undefined;
    for (const name of changed) {
      const node = this.#snapshot.node(name);
      if (node) known.open.add(node);
    }
    if (known.open.size > maxOpen) return undefined;
    known.mark = changes.mark;
    this.#kinds.set(kind, known);
    const { statuses } = known;
    const feasible: NodeInfo[] = [];
    for (const node of known.open) {
      const status = ask(node);
      if (!status) feasible.push(node);
      else if (isRejected(status)) {
        statuses.replace(node, status);
        known.open.delete(node);
      } else return { feasible: [], statuses, failure: status };
    }
    return { feasible, statuses };
  }
}
