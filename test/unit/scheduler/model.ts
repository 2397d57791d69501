/**
 * Slow, literal models of the plugins' documented rules: each looks at every node and every pod anew, and shares no code
 * with what it is compared to.
 */
import type {
  LabelSelector,
  Node,
  NodeSelectorTerm,
  Pod,
  PodAffinityTerm,
  Taint,
  Toleration,
  TopologySpreadConstraint,
} from '../../../lib/api/gen/types.ts';

export interface World {
  nodes: Node[];
  /** Pods with `spec.nodeName`. */
  pods: Pod[];
  namespaces: Record<string, Record<string, string>>;
}

type Verdict = 'ok' | 'no' | 'never';

const labelsOf = (object: Node | Pod) => object.metadata.labels ?? {};
const podsOn = (world: World, node: Node) =>
  world.pods.filter((pod) => pod.spec.nodeName === node.metadata.name);

function expressionHolds(
  labels: Record<string, string>,
  key: string,
  operator: string,
  values: string[],
): boolean {
  const value = labels[key];
  if (operator === 'In') return value !== undefined && values.includes(value);
  if (operator === 'NotIn') return value === undefined || !values.includes(value);
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  if (operator === 'Gt')
    return value !== undefined && /^\d+$/.test(value) && Number(value) > Number(values[0]);
  return value !== undefined && /^\d+$/.test(value) && Number(value) < Number(values[0]);
}

export function selects(selector: LabelSelector | undefined, labels: Record<string, string>): boolean {
  if (!selector) return false;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    if (labels[key] !== value) return false;
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    if (!expressionHolds(labels, key, operator, values ?? [])) return false;
  }
  return true;
}

function termHolds(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  for (const { key, operator, values } of expressions) {
    if (!expressionHolds(labelsOf(node), key, operator, values ?? [])) return false;
  }
  for (const { operator, values } of fields) {
    if (!expressionHolds({ name: node.metadata.name ?? '' }, 'name', operator, values ?? [])) return false;
  }
  return true;
}

export function nodeAffinity(pod: Pod, node: Node): Verdict {
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (labelsOf(node)[key] !== value) return 'never';
  }
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!required) return 'ok';
  return required.nodeSelectorTerms.some((term) => termHolds(term, node)) ? 'ok' : 'never';
}

export function nodeAffinityScores(pod: Pod, nodes: Node[]): number[] {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const sums = nodes.map((node) => {
    let sum = 0;
    for (const { weight, preference } of preferred) if (termHolds(preference, node)) sum += weight;
    return sum;
  });
  const largest = Math.max(0, ...sums);
  return sums.map((sum) => (largest === 0 ? 0 : Math.floor((sum * 100) / largest)));
}

function tolerated(taint: Taint, tolerations: Toleration[]): boolean {
  for (const { key, operator, value, effect } of tolerations) {
    const effectFits = !effect || effect === taint.effect;
    const keyFits = !key || key === taint.key;
    const valueFits = operator === 'Exists' || (Boolean(key) && (value ?? '') === (taint.value ?? ''));
    if (effectFits && keyFits && valueFits) return true;
  }
  return false;
}

export function taints(pod: Pod, node: Node): Verdict {
  for (const taint of node.spec.taints ?? []) {
    if (taint.effect === 'PreferNoSchedule') continue;
    if (!tolerated(taint, pod.spec.tolerations ?? [])) return 'never';
  }
  return 'ok';
}

export function taintScores(pod: Pod, nodes: Node[]): number[] {
  const tolerations = (pod.spec.tolerations ?? []).filter(
    ({ effect }) => effect === undefined || effect === '' || effect === 'PreferNoSchedule',
  );
  const counts = nodes.map((node) => {
    let count = 0;
    for (const taint of node.spec.taints ?? []) {
      if (taint.effect === 'PreferNoSchedule' && !tolerated(taint, tolerations)) count++;
    }
    return count;
  });
  const largest = Math.max(0, ...counts);
  return counts.map((count) => 100 - (largest === 0 ? 0 : Math.floor((count * 100) / largest)));
}

const unit: Record<string, number> = { '': 1, m: 0.001, Mi: 2 ** 20, Gi: 2 ** 30 };

function number(quantity: string | undefined): number {
  const [, digits, suffix] = /^(\d+)(m|Mi|Gi|)$/.exec(quantity ?? '0') ?? [];
  return Number(digits) * (unit[suffix ?? ''] ?? Number.NaN);
}

/** Of plain containers only. */
export function asked(pod: Pod, resource: string, whenAbsent = 0): number {
  let sum = 0;
  for (const { resources } of pod.spec.containers) {
    const quantity = resources?.requests?.[resource];
    sum += quantity === undefined ? whenAbsent : number(quantity);
  }
  return sum;
}

const resourceNames = ['cpu', 'memory', 'example.com/gpu'];

export function resources(world: World, pod: Pod, node: Node): Verdict {
  const there = podsOn(world, node);
  const allocatable = node.status?.allocatable ?? {};
  let verdict: Verdict = there.length + 1 > number(allocatable['pods']) ? 'no' : 'ok';
  for (const resource of resourceNames) {
    const wanted = asked(pod, resource);
    if (wanted === 0) continue;
    const total = number(allocatable[resource]);
    const used = there.reduce((sum, other) => sum + asked(other, resource), 0);
    if (wanted > total + 1e-9) return 'never';
    if (wanted > total - used + 1e-9) verdict = 'no';
  }
  return verdict;
}

export function leastAllocatedScore(world: World, pod: Pod, node: Node): number {
  const assumed: Record<string, number> = { cpu: 0.1, memory: 200 * 2 ** 20 };
  let sum = 0;
  let weights = 0;
  for (const resource of ['cpu', 'memory']) {
    // In thousandths, as the rule rounds down.
    const scale = resource === 'cpu' ? 1000 : 1;
    const total = Math.round(number(node.status?.allocatable?.[resource]) * scale);
    if (total === 0) continue;
    const used = [...podsOn(world, node), pod].reduce(
      (all, other) => all + Math.round(asked(other, resource, assumed[resource]) * scale),
      0,
    );
    sum += used > total ? 0 : Math.floor(((total - used) * 100) / total);
    weights++;
  }
  return weights === 0 ? 0 : Math.floor(sum / weights);
}

function speaksOf(world: World, owner: Pod, term: PodAffinityTerm, other: Pod): boolean {
  const namespace = other.metadata.namespace ?? '';
  const named = term.namespaces ?? [];
  const own = named.length === 0 && term.namespaceSelector === undefined;
  const inNamespace =
    named.includes(namespace) ||
    (own && namespace === owner.metadata.namespace) ||
    (term.namespaceSelector !== undefined &&
      selects(term.namespaceSelector, world.namespaces[namespace] ?? {}));
  return inNamespace && selects(term.labelSelector, labelsOf(other));
}

function sharesDomain(world: World, key: string, node: Node, other: Pod): boolean {
  const value = labelsOf(node)[key];
  const otherNode = world.nodes.find(({ metadata }) => metadata.name === other.spec.nodeName);
  return value !== undefined && otherNode !== undefined && labelsOf(otherNode)[key] === value;
}

export function podAffinity(world: World, pod: Pod, node: Node): Verdict {
  const terms = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  if (terms.length > 0) {
    if (terms.some((term) => labelsOf(node)[term.topologyKey] === undefined)) return 'never';
    const meantByAll = world.pods.filter((other) => terms.every((term) => speaksOf(world, pod, term, other)));
    const near = terms.every((term) =>
      meantByAll.some((other) => sharesDomain(world, term.topologyKey, node, other)),
    );
    const somewhere = meantByAll.some((other) => {
      const otherNode = world.nodes.find(({ metadata }) => metadata.name === other.spec.nodeName);
      return otherNode && terms.some((term) => labelsOf(otherNode)[term.topologyKey] !== undefined);
    });
    const isFirst = !somewhere && terms.every((term) => speaksOf(world, pod, term, pod));
    if (!near && !isFirst) return 'never';
  }
  for (const term of pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ??
    []) {
    const close = world.pods.some(
      (other) => speaksOf(world, pod, term, other) && sharesDomain(world, term.topologyKey, node, other),
    );
    if (close) return 'no';
  }
  for (const other of world.pods) {
    for (const term of other.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ??
      []) {
      if (speaksOf(world, other, term, pod) && sharesDomain(world, term.topologyKey, node, other))
        return 'no';
    }
  }
  return 'ok';
}

export function podAffinityScores(world: World, pod: Pod, nodes: Node[]): number[] {
  const sums = nodes.map((node) => {
    let sum = 0;
    for (const other of world.pods) {
      const add = (owner: Pod, about: Pod, term: PodAffinityTerm, weight: number) => {
        if (speaksOf(world, owner, term, about) && sharesDomain(world, term.topologyKey, node, other))
          sum += weight;
      };
      for (const [owner, about] of [
        [pod, other],
        [other, pod],
      ] as const) {
        const { podAffinity: near, podAntiAffinity: far } = owner.spec.affinity ?? {};
        for (const { weight, podAffinityTerm } of near?.preferredDuringSchedulingIgnoredDuringExecution ??
          []) {
          add(owner, about, podAffinityTerm, weight);
        }
        for (const { weight, podAffinityTerm } of far?.preferredDuringSchedulingIgnoredDuringExecution ??
          []) {
          add(owner, about, podAffinityTerm, -weight);
        }
      }
      const required = other.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
      for (const term of required) add(other, pod, term, 1);
    }
    return sum;
  });
  const [least, greatest] = [Math.min(...sums), Math.max(...sums)];
  return sums.map((sum) => (greatest === least ? 0 : Math.trunc(100 * ((sum - least) / (greatest - least)))));
}

/** What the constraint speaks of: its selector, and the pod's own values of the keys to match. */
function speaks(pod: Pod, constraint: TopologySpreadConstraint, other: Pod): boolean {
  const own = (constraint.matchLabelKeys ?? []).filter((key) => labelsOf(pod)[key] !== undefined);
  return (
    selects(constraint.labelSelector, labelsOf(other)) &&
    own.every((key) => labelsOf(other)[key] === labelsOf(pod)[key])
  );
}

function counted(world: World, pod: Pod, constraint: TopologySpreadConstraint, node: Node): number {
  return podsOn(world, node).filter(
    (other) =>
      other.metadata.namespace === pod.metadata.namespace &&
      !other.metadata.deletionTimestamp &&
      speaks(pod, constraint, other),
  ).length;
}

function takesPart(pod: Pod, constraint: TopologySpreadConstraint, node: Node): boolean {
  if ((constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor' && nodeAffinity(pod, node) !== 'ok')
    return false;
  return constraint.nodeTaintsPolicy !== 'Honor' || taints(pod, node) === 'ok';
}

export function spread(world: World, pod: Pod, node: Node): Verdict {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  );
  const withAllKeys = world.nodes.filter((other) =>
    constraints.every(({ topologyKey }) => labelsOf(other)[topologyKey] !== undefined),
  );
  for (const constraint of constraints) {
    const value = labelsOf(node)[constraint.topologyKey];
    if (value === undefined) return 'never';
    const eligible = withAllKeys.filter((other) => takesPart(pod, constraint, other));
    const inDomain = (domain: string) =>
      eligible
        .filter((other) => labelsOf(other)[constraint.topologyKey] === domain)
        .reduce((sum, other) => sum + counted(world, pod, constraint, other), 0);
    const domains = [...new Set(eligible.map((other) => labelsOf(other)[constraint.topologyKey] as string))];
    const least = domains.length < (constraint.minDomains ?? 1) ? 0 : Math.min(...domains.map(inDomain));
    const self = speaks(pod, constraint, pod) ? 1 : 0;
    if (inDomain(value) + self - least > constraint.maxSkew) return 'no';
  }
  return 'ok';
}

export function spreadScores(world: World, pod: Pod, nodes: Node[]): number[] {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway',
  );
  const complete = (node: Node) =>
    constraints.every(({ topologyKey }) => labelsOf(node)[topologyKey] !== undefined);
  const candidates = nodes.filter(complete);
  const raw = nodes.map((node) => {
    if (!complete(node)) return undefined;
    let sum = 0;
    for (const constraint of constraints) {
      const { topologyKey } = constraint;
      const value = labelsOf(node)[topologyKey];
      const isHost = topologyKey === 'kubernetes.io/hostname';
      const size = isHost
        ? candidates.length
        : new Set(candidates.map((other) => labelsOf(other)[topologyKey])).size;
      const members = isHost
        ? [node]
        : world.nodes.filter(
            (other) =>
              complete(other) && takesPart(pod, constraint, other) && labelsOf(other)[topologyKey] === value,
          );
      const count = members.reduce((all, other) => all + counted(world, pod, constraint, other), 0);
      sum += count * Math.log(size + 2) + (constraint.maxSkew - 1);
    }
    return Math.round(sum);
  });
  const known = raw.filter((score) => score !== undefined);
  const [least, greatest] = [Math.min(...known), Math.max(0, ...known)];
  return raw.map((score) => {
    if (score === undefined) return 0;
    return greatest === 0 ? 100 : Math.trunc((100 * (greatest + least - score)) / greatest);
  });
}
