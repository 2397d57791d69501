import type { Container, ContainerStatus, Pod, PodAffinityTerm, PodSpec } from '../gen/types.ts';
import { aggregateResources, isPodLevelResource } from '../kinds/core/pod/aggregate.ts';
import { qosClassOf } from '../kinds/core/pod/qos.ts';
import { compareQuantities, parseQuantity, zero } from '../quantity/index.ts';
import { isExtendedResource, isHugePages } from '../validate/resources.ts';
import { addAmounts, type Amounts, maskAmounts, maxAmounts } from './amounts.ts';
import type { Evaluator, ScopeRequirement } from './evaluator.ts';
import { matchesNames } from './scopes.ts';

type Field = 'limits' | 'requests';

const countName = 'count/pods';
const fixedNames = new Set([
  countName,
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
]);
/** A quota of these demands that containers say what they need; of all others it does not. */
const demanded = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory'];

export const podEvaluator: Evaluator<Pod> = {
  isTracked: (name) =>
    fixedNames.has(name) ||
    name.startsWith('hugepages-') ||
    name.startsWith('requests.hugepages-') ||
    (name.startsWith('requests.') && name.includes('/') && !name.includes('kubernetes.io/')),

  handles: ({ operation, subresource, object, old }) => {
    if (subresource === 'resize') return operation === 'UPDATE';
    if (subresource !== '') return false;
    if (operation === 'CREATE') return true;
    return old !== undefined && isTerminating(old) !== isTerminating(object);
  },

  usage(pod, nowMs) {
    const counted: Amounts = { [countName]: '1' };
    if (!isCharged(pod, nowMs)) return counted;
    return { ...counted, ...computeUsage(totalOf(pod, 'requests'), totalOf(pod, 'limits')) };
  },

  matchesScope: matchesPodScope,
  complaint,
};

/** Resources are charged until a pod has ended, or should have been gone for long. */
function isCharged({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (!deletionTimestamp || deletionGracePeriodSeconds === undefined) return true;
  return nowMs <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

/** What one holder of resources is charged, under every name that a quota may have for it. */
function computeUsage(requests: Readonly<Amounts>, limits: Readonly<Amounts>): Amounts {
  const usage: Amounts = { pods: '1' };
  for (const [name, amount] of Object.entries(requests)) {
    if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || isHugePages(name)) {
      usage[name] = amount;
      usage[`requests.${name}`] = amount;
    } else if (isExtendedResource(name)) usage[`requests.${name}`] = amount;
  }
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const amount = limits[name];
    if (amount !== undefined) usage[`limits.${name}`] = amount;
  }
  return usage;
}

/** What the pod as a whole needs: its containers or its own amounts, and the overhead of its runtime. */
function totalOf(pod: Pod, field: Field): Amounts {
  const { spec } = pod;
  let total: Amounts = aggregateResources(withActual(pod, field), field);
  for (const [name, amount] of Object.entries(spec.resources?.[field] ?? {})) {
    if (isPodLevelResource(name)) total[name] = amount;
  }
  const { overhead = {} } = spec;
  if (field === 'requests') total = addAmounts(total, overhead);
  else {
    // What has no limit stays without one.
    const limited = Object.keys(total).filter(
      (name) => compareQuantities(parseQuantity(total[name] ?? '0'), zero) > 0,
    );
    total = addAmounts(total, maskAmounts(overhead, limited));
  }
  return total;
}

/** While a container is being resized, the larger of what it has and what it wants (KEP-1287). */
function withActual({ spec, status }: Pod, field: Field): PodSpec {
  const statuses = new Map<string, ContainerStatus>();
  for (const one of [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]) {
    if (one.resources || one.allocatedResources) statuses.set(one.name, one);
  }
  if (statuses.size === 0) return spec;
  const actual = (container: Container): Container => {
    const found = statuses.get(container.name);
    if (!found) return container;
    const allocated = field === 'requests' ? (found.allocatedResources ?? {}) : {};
    const wanted = container.resources?.[field] ?? {};
    const amounts = maxAmounts(maxAmounts(wanted, found.resources?.[field] ?? {}), allocated);
    return { ...container, resources: { ...container.resources, [field]: amounts } };
  };
  return {
    ...spec,
    containers: spec.containers.map(actual),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(actual) }),
  };
}

function complaint(pod: Pod, tracked: readonly string[]): string | undefined {
  const { spec } = pod;
  const own = [...Object.keys(spec.resources?.requests ?? {}), ...Object.keys(spec.resources?.limits ?? {})];
  if (own.some(isPodLevelResource)) return undefined;
  const missing = new Map<string, Set<string>>();
  for (const { name, resources } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    const usage = computeUsage(resources?.requests ?? {}, resources?.limits ?? {});
    for (const resource of demanded) {
      if (!tracked.includes(resource) || Object.hasOwn(usage, resource)) continue;
      missing.set(resource, (missing.get(resource) ?? new Set()).add(name));
    }
  }
  if (missing.size === 0) return undefined;
  const parts = [...missing.keys()]
    .sort()
    .map((resource) => `${resource} for: ${[...(missing.get(resource) ?? [])].sort().join(',')}`);
  return `must specify ${parts.join('; ')}`;
}

function isTerminating({ spec }: Pod): boolean {
  return spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
}

function matchesPodScope(requirement: ScopeRequirement, pod: Pod): boolean {
  const { spec } = pod;
  switch (requirement.scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return qosClassOf(spec) === 'BestEffort';
    case 'NotBestEffort':
      return qosClassOf(spec) !== 'BestEffort';
    case 'PriorityClass':
      return matchesNames(requirement, spec.priorityClassName ? [spec.priorityClassName] : []);
    case 'CrossNamespacePodAffinity':
      return affinityTerms(spec).some(
        ({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined,
      );
    default:
      return false;
  }
}

function affinityTerms({ affinity }: PodSpec): PodAffinityTerm[] {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((kind) => [
    ...(kind?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(kind?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ podAffinityTerm }) => podAffinityTerm,
    ),
  ]);
}
