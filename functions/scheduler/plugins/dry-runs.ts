import type { PodDisruptionBudget } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { CycleState } from '../framework/cycle-state.ts';
import type { NodeInfo } from '../framework/node-info.ts';
import type { FrameworkHandle } from '../framework/plugin.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { podKindOf } from '../framework/pod-kind.ts';
import type { Status } from '../framework/status.ts';
import { type Candidate, selectVictims } from './victims.ts';

type DryRun = Candidate | Status;

/** An answer with the state of the node, and of the nominations for it, that it holds for. */
interface Kept {
  generation: number;
  nominations: number;
  result: DryRun;
}

/** Kinds of pods whose answers are kept; the one not asked for the longest makes room. */
const maxKinds = 8;

/**
 * What preemption would do on each node, kept for pods that are alike: in a wave of them the same nodes are tried again and
 * again, and an answer holds until the node or a pod on it changes. Only where every Filter goes by the node alone.
 */
export class DryRuns {
  readonly #framework: FrameworkHandle;
  readonly #kinds = new Map<string, WeakMap<NodeInfo, Kept>>();

  constructor(framework: FrameworkHandle) {
    this.#framework = framework;
  }

  /** Tries the pod on nodes, in this cycle. */
  of(
    state: CycleState,
    pod: PodInfo,
    budgets: readonly Persisted<PodDisruptionBudget>[],
  ): (node: NodeInfo) => DryRun {
    const framework = this.#framework;
    const select = (node: NodeInfo) => selectVictims(state, pod, node, budgets, framework);
    if (!framework.filtersByNodeAlone(state)) return select;
    const kept = this.#keptFor(keyOf(pod, budgets));
    return (node) => {
      const { generation } = node;
      // Nominated pods take room that the node does not show.
      const nominations = framework.nominationsVersion(node.name);
      const known = kept.get(node);
      if (known?.generation === generation && known.nominations === nominations) return known.result;
      const result = select(node);
      kept.set(node, { generation, nominations, result });
      return result;
    };
  }

  #keptFor(kind: string): WeakMap<NodeInfo, Kept> {
    const kept = this.#kinds.get(kind) ?? new WeakMap();
    this.#kinds.delete(kind);
    this.#kinds.set(kind, kept);
    if (this.#kinds.size > maxKinds) {
      const [oldest] = this.#kinds.keys();
      if (oldest !== undefined) this.#kinds.delete(oldest);
    }
    return kept;
  }
}

/** With the budgets as they are. */
function keyOf(pod: PodInfo, budgets: readonly Persisted<PodDisruptionBudget>[]): string {
  const revisions = budgets.map(({ metadata }) => metadata.resourceVersion);
  return `${revisions.join()} ${podKindOf(pod).signature}`;
}
