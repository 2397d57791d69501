import type { PodDisruptionBudget } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { CycleState } from '../framework/cycle-state.ts';
import type { NodeChanges } from '../framework/node-changes.ts';
import type { NodeInfo } from '../framework/node-info.ts';
import type { FrameworkHandle } from '../framework/plugin.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { podKindOf } from '../framework/pod-kind.ts';
import type { Status } from '../framework/status.ts';
import { type Candidate, selectVictims } from './victims.ts';

type DryRun = Candidate | Status;

/** Answers by the place of the node in a list; undefined where there is none, or where it does not hold any more. */
interface Kept {
  readonly nodes: readonly NodeInfo[];
  readonly places: ReadonlyMap<string, number>;
  readonly results: (DryRun | undefined)[];
  mark: number;
}

/** Kinds of pods whose answers are kept; the one not asked for the longest makes room. */
const maxKinds = 8;

/**
 * What preemption would do on each node, kept for pods that are alike: in a wave of them the same nodes are tried again and
 * again, and an answer holds until the node, a pod on it or a nomination for it changes. Only where every Filter goes by the
 * node alone.
 */
export class DryRuns {
  readonly #framework: FrameworkHandle;
  readonly #changes: NodeChanges;
  readonly #kinds = new Map<string, Kept>();

  constructor(framework: FrameworkHandle, changes: NodeChanges) {
    this.#framework = framework;
    this.#changes = changes;
  }

  /** Tries the pod on the nodes, in this cycle; what is returned takes the place of one of them. */
  of(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    budgets: readonly Persisted<PodDisruptionBudget>[],
  ): (place: number) => DryRun {
    const select = (place: number) =>
      selectVictims(state, pod, nodes[place] as NodeInfo, budgets, this.#framework);
    const results = this.#framework.filtersByNodeAlone(state)
      ? this.#keptFor(keyOf(pod, budgets), nodes).results
      : new Array<DryRun | undefined>(nodes.length).fill(undefined);
    return (place) => (results[place] ??= select(place));
  }

  #keptFor(kind: string, nodes: readonly NodeInfo[]): Kept {
    const known = this.#kinds.get(kind);
    this.#kinds.delete(kind);
    const kept = (known && this.#refresh(known, nodes)) ?? {
      nodes,
      places: new Map(nodes.map(({ name }, place) => [name, place])),
      results: new Array<DryRun | undefined>(nodes.length).fill(undefined),
      mark: this.#changes.mark,
    };
    this.#kinds.set(kind, kept);
    if (this.#kinds.size > maxKinds) {
      const [oldest] = this.#kinds.keys();
      if (oldest !== undefined) this.#kinds.delete(oldest);
    }
    return kept;
  }

  /** Without the answers of nodes that have changed; undefined when too much has. */
  #refresh(kept: Kept, nodes: readonly NodeInfo[]): Kept | undefined {
    const changed = this.#changes.since(kept.mark);
    if (!changed) return undefined;
    for (const name of changed) {
      const place = kept.places.get(name);
      if (place !== undefined) kept.results[place] = undefined;
    }
    kept.mark = this.#changes.mark;
    if (kept.nodes === nodes) return kept;
    // Other nodes than before: what is known of those that were among them goes with them.
    const places = new Map(nodes.map(({ name }, place) => [name, place]));
    const results = nodes.map((node) => {
      const before = kept.places.get(node.name);
      return before !== undefined && kept.nodes[before] === node ? kept.results[before] : undefined;
    });
    return { nodes, places, results, mark: kept.mark };
  }
}

/** With the budgets as they are. */
function keyOf(pod: PodInfo, budgets: readonly Persisted<PodDisruptionBudget>[]): string {
  const revisions = budgets.map(({ metadata }) => metadata.resourceVersion);
  return `${revisions.join()} ${podKindOf(pod).signature}`;
}
