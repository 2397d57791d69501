import type { PodDisruptionBudget } from '../../../lib/api/gen/types.ts';
import { matchesLabels, selectorFromObject } from '../../../lib/api/selectors/index.ts';
import type { CycleState } from '../framework/cycle-state.ts';
import type { NodeInfo } from '../framework/node-info.ts';
import type { FrameworkHandle } from '../framework/plugin.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { type Status, unresolvable } from '../framework/status.ts';

/** Pods to remove from a node so that another fits. */
export interface Candidate {
  readonly node: NodeInfo;
  /** The most important first. */
  readonly victims: readonly PodInfo[];
  /** How many of them a PodDisruptionBudget would keep. */
  readonly violations: number;
  /** Compared number by number. */
  readonly cost: readonly number[];
}

const noVictims = unresolvable('No preemption victims found for incoming pod');

/** The fewest and least important pods whose removal makes room on the node, or why there are none. */
export function selectVictims(
  state: CycleState,
  pod: PodInfo,
  node: NodeInfo,
  budgets: readonly PodDisruptionBudget[],
  framework: FrameworkHandle,
): Candidate | Status {
  const lesser = [...node.pods.values()].filter((other) => other.priority < pod.priority);
  if (lesser.length === 0) return noVictims;
  const tryState = state.clone();
  const tryNode = node.clone();
  for (const other of lesser) framework.removePod(tryState, pod, other, tryNode);
  const status = framework.filterWithNominated(tryState, pod, tryNode);
  if (status) return status;

  const victims: PodInfo[] = [];
  const reprieve = (other: PodInfo): boolean => {
    framework.addPod(tryState, pod, other, tryNode);
    if (!framework.filterWithNominated(tryState, pod, tryNode)) return true;
    framework.removePod(tryState, pod, other, tryNode);
    victims.push(other);
    return false;
  };
  const { violating, others } = splitByBudget(lesser.sort(byImportance), budgets);
  // Those that a budget protects are kept if at all possible.
  let violations = 0;
  for (const other of violating) if (!reprieve(other)) violations++;
  for (const other of others) reprieve(other);
  victims.sort(byImportance);
  return { node, victims, violations, cost: costOf(victims, violations) };
}

/** Higher priority first; among equals, the one that has run longer. */
export function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startMs(a) - startMs(b);
}

function startMs({ pod }: PodInfo): number {
  return pod.status?.startTime ? Date.parse(pod.status.startTime) : Number.POSITIVE_INFINITY;
}

/** Each pod takes one of what its budgets still allow; past that it violates them. */
function splitByBudget(
  pods: readonly PodInfo[],
  budgets: readonly PodDisruptionBudget[],
): { violating: PodInfo[]; others: PodInfo[] } {
  const open = budgets.map((budget) => ({
    namespace: budget.metadata.namespace,
    selector: selectorFromObject(budget.spec?.selector),
    disrupted: new Set(Object.keys(budget.status?.disruptedPods ?? {})),
    allowed: budget.status?.disruptionsAllowed ?? 0,
  }));
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const pod of pods) {
    let violates = false;
    for (const budget of open) {
      if (Object.keys(pod.labels).length === 0 || budget.namespace !== pod.namespace) continue;
      if (budget.selector.requirements.length === 0 || !matchesLabels(budget.selector, pod.labels)) continue;
      // It is being disrupted already, and has been counted.
      if (budget.disrupted.has(pod.pod.metadata.name)) continue;
      budget.allowed--;
      if (budget.allowed < 0) violates = true;
    }
    (violates ? violating : others).push(pod);
  }
  return { violating, others };
}

/**
 * What a candidate costs, most important first: violated budgets; the highest priority of its victims; the sum of their
 * priorities; their number; the start of the earliest of the most important ones, where a later one costs less.
 */
function costOf(victims: readonly PodInfo[], violations: number): readonly number[] {
  const highest = victims[0]?.priority ?? Number.NEGATIVE_INFINITY;
  let sum = 0;
  let earliestMs = Number.POSITIVE_INFINITY;
  for (const victim of victims) {
    // Shifted, so that one victim of a negative priority does not look better than none.
    sum += victim.priority + 2 ** 31;
    if (victim.priority === highest) earliestMs = Math.min(earliestMs, startMs(victim));
  }
  return [violations, highest, sum, victims.length, -earliestMs];
}

/** Of candidates that cost the same, the one that was found first is taken. */
export function costsLess(a: Candidate, b: Candidate): boolean {
  for (let i = 0; i < a.cost.length; i++) {
    const [one, other] = [a.cost[i] as number, b.cost[i] as number];
    if (one !== other) return one < other;
  }
  return false;
}
