import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '../gen/types.ts';
import { meetsRequirement, newRequirement, type Requirement } from '../selectors/requirement.ts';

/** Whether a node is one that the selector, or term, asks for. */
export type NodeMatcher = (node: { name: string; labels: Readonly<Record<string, string>> }) => boolean;

const operators = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
} as const;

/** Terms are alternatives; a term without any requirement matches no node (API reference, NodeSelector). */
export function nodeSelectorMatcher(selector: NodeSelector): NodeMatcher {
  const terms = selector.nodeSelectorTerms.map(nodeSelectorTermMatcher);
  return (node) => terms.some((matches) => matches(node));
}

export function nodeSelectorTermMatcher(term: NodeSelectorTerm): NodeMatcher {
  const expressions = (term.matchExpressions ?? []).map(requirementOf);
  const fields = (term.matchFields ?? []).map(requirementOf);
  if (expressions.length + fields.length === 0) return () => false;
  return (node) =>
    expressions.every((requirement) => meetsRequirement(requirement, node.labels)) &&
    fields.every((requirement) => meetsRequirement(requirement, { 'metadata.name': node.name }));
}

/** @throws KumulusError BadRequest for a requirement that validation would not have let in. */
function requirementOf({ key, operator, values }: NodeSelectorRequirement): Requirement {
  const known = operators[operator as keyof typeof operators];
  if (!known) throw new Error(`"${operator}" is not a valid node selector operator`);
  return newRequirement(key, known, values ?? []);
}

/** What `nodeSelector` and the required node affinity ask for together; undefined when they ask for nothing. */
export function requiredNodeAffinity(pod: Pod): NodeMatcher | undefined {
  const labels = Object.entries(pod.spec.nodeSelector ?? {});
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (labels.length === 0 && !required) return undefined;
  const matches = required && nodeSelectorMatcher(required);
  return (node) =>
    labels.every(([key, value]) => node.labels[key] === value) && (matches === undefined || matches(node));
}

/**
 * The nodes that the pod's required affinity names by `metadata.name`; undefined when any alternative leaves them open.
 * Nodes that DaemonSets place their pods on are found so without looking at all others.
 */
export function namedNodes(pod: Pod): ReadonlySet<string> | undefined {
  const terms =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (!terms) return undefined;
  let names = new Set<string>();
  for (const { matchFields, matchExpressions } of terms) {
    if (!matchFields?.length && !matchExpressions?.length) continue;
    let named: Set<string> | undefined;
    for (const { key, operator, values } of matchFields ?? []) {
      if (key !== 'metadata.name' || operator !== 'In') continue;
      const found = new Set(values);
      named = named ? named.intersection(found) : found;
    }
    if (!named) return undefined;
    names = names.union(named);
  }
  return names;
}
