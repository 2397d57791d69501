import type { LabelSelector, Pod, TopologySpreadConstraint } from '../../../lib/api/gen/types.ts';
import {
  formatSelector,
  matchesLabels,
  type Selector,
  selectorFromObject,
} from '../../../lib/api/selectors/index.ts';
import { newRequirement } from '../../../lib/api/selectors/requirement.ts';
import type { NodeInfo } from '../framework/node-info.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import type { NodeMatcher } from '../../../lib/api/scheduling/node-selector.ts';
import { keepsPodsAway, untoleratedTaint } from '../../../lib/api/scheduling/tolerations.ts';

/** A TopologySpreadConstraint with its selector parsed and its defaults filled in. */
export interface SpreadConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly selector: Selector;
  readonly minDomains: number;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

export const hostnameLabel = 'kubernetes.io/hostname';

export function constraintsOf(
  pod: Pod,
  constraints: readonly TopologySpreadConstraint[],
  action: 'DoNotSchedule' | 'ScheduleAnyway',
  defaultSelector?: Selector,
): SpreadConstraint[] {
  return constraints
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map((constraint) => ({
      maxSkew: constraint.maxSkew,
      topologyKey: constraint.topologyKey,
      selector: defaultSelector ?? selectorOf(pod, constraint.labelSelector, constraint.matchLabelKeys),
      minDomains: constraint.minDomains ?? 1,
      honorsAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
      honorsTaints: (constraint.nodeTaintsPolicy ?? 'Ignore') === 'Honor',
    }));
}

/** `matchLabelKeys` asks for the pod's own values of these labels (KEP-3243). */
function selectorOf(
  pod: Pod,
  object: LabelSelector | undefined,
  keys: readonly string[] | undefined,
): Selector {
  const selector = selectorFromObject(object);
  const own = (keys ?? []).flatMap((key) => {
    const value = pod.metadata.labels?.[key];
    return value === undefined ? [] : [newRequirement(key, 'in', [value])];
  });
  return own.length === 0 ? selector : { ...selector, requirements: [...selector.requirements, ...own] };
}

/** Pods of the same namespace that the selector asks for, unless they are on their way out. */
export function counts(selector: Selector, namespace: string, other: PodInfo): boolean {
  return (
    other.namespace === namespace &&
    !other.pod.metadata.deletionTimestamp &&
    matchesLabels(selector, other.labels)
  );
}

export function signatureOf(selector: Selector, namespace: string): string {
  return `${namespace};${selector.nothing ? '|nothing' : formatSelector(selector)}`;
}

/** Whether the node counts for the constraint: as its policies say of the pod's node affinity and of taints (KEP-3094). */
export function includesNode(
  constraint: SpreadConstraint,
  node: NodeInfo,
  pod: Pod,
  required: NodeMatcher | undefined,
): boolean {
  if (constraint.honorsAffinity && required && !required(node)) return false;
  if (!constraint.honorsTaints) return true;
  return !untoleratedTaint(node.taints, pod.spec.tolerations ?? [], keepsPodsAway);
}

export function hasAllKeys(node: NodeInfo, constraints: readonly SpreadConstraint[]): boolean {
  return constraints.every(({ topologyKey }) => node.labels[topologyKey] !== undefined);
}
