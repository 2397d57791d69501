import type { Container, ContainerStatus, Pod, ResourceRequirements } from './gen/types.ts';
import { parseQuantity, quantityMilliValue, quantityValue } from './quantity/index.ts';

/** Amounts of everything a node can run out of: CPU in thousandths, the rest in whole units (bytes, devices). */
export interface Resources {
  milliCpu: number;
  memory: number;
  ephemeralStorage: number;
  /** Extended resources, huge pages and attachable volumes, by name. */
  scalars: Map<string, number>;
}

/** What a container that asks for nothing is taken to use when nodes are scored. */
const assumedMilliCpu = 100;
const assumedMemory = 200 * 1024 * 1024;

export function noResources(): Resources {
  return { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: new Map() };
}

type ResourceList = Record<string, string> | undefined;

/** The same few strings come with every pod: each is parsed once. */
const parsed = { milli: new Map<string, number>(), whole: new Map<string, number>() };
const maxParsed = 10_000;

export function milliOf(text: string): number {
  return cached(parsed.milli, text, quantityMilliValue);
}

export function wholeOf(text: string): number {
  return cached(parsed.whole, text, quantityValue);
}

function cached(
  cache: Map<string, number>,
  text: string,
  read: (q: ReturnType<typeof parseQuantity>) => number,
): number {
  const found = cache.get(text);
  if (found !== undefined) return found;
  const value = read(parseQuantity(text));
  if (cache.size >= maxParsed) cache.clear();
  cache.set(text, value);
  return value;
}

export function resourcesOf(list: ResourceList): Resources {
  const resources = noResources();
  for (const [name, quantity] of Object.entries(list ?? {})) {
    setAmount(resources, name, amountOf(name, quantity));
  }
  return resources;
}

function amountOf(name: string, quantity: string): number {
  return name === 'cpu' ? milliOf(quantity) : wholeOf(quantity);
}

export function amount(resources: Resources, name: string): number {
  switch (name) {
    case 'cpu':
      return resources.milliCpu;
    case 'memory':
      return resources.memory;
    case 'ephemeral-storage':
      return resources.ephemeralStorage;
    default:
      return resources.scalars.get(name) ?? 0;
  }
}

function setAmount(resources: Resources, name: string, value: number): void {
  switch (name) {
    case 'cpu':
      resources.milliCpu = value;
      break;
    case 'memory':
      resources.memory = value;
      break;
    case 'ephemeral-storage':
      resources.ephemeralStorage = value;
      break;
    // The number of pods is counted, never asked for.
    case 'pods':
      break;
    default:
      resources.scalars.set(name, value);
  }
}

/** Adds `times` times what `other` holds: 1 or -1. */
export function addResources(to: Resources, other: Resources, times: 1 | -1 = 1): void {
  to.milliCpu += times * other.milliCpu;
  to.memory += times * other.memory;
  to.ephemeralStorage += times * other.ephemeralStorage;
  for (const [name, value] of other.scalars) {
    to.scalars.set(name, (to.scalars.get(name) ?? 0) + times * value);
  }
}

function raiseTo(target: Resources, other: Resources): void {
  target.milliCpu = Math.max(target.milliCpu, other.milliCpu);
  target.memory = Math.max(target.memory, other.memory);
  target.ephemeralStorage = Math.max(target.ephemeralStorage, other.ephemeralStorage);
  for (const [name, value] of other.scalars) {
    target.scalars.set(name, Math.max(target.scalars.get(name) ?? 0, value));
  }
}

export interface PodRequests {
  /** What the pod takes from its node. */
  requested: Resources;
  /** The same for scoring, with an assumed use for containers that ask for no CPU or memory. */
  nonZero: { milliCpu: number; memory: number };
}

/**
 * What a pod asks of its node: containers and sidecars together or the widest moment of its initialization, whichever
 * is more, a resource at a time (KEP-753); pod-level amounts in place of the containers' (KEP-2837); and the overhead of
 * its runtime class (KEP-688). A pod that is being resized counts with the larger of what it has and what it wants
 * (KEP-1287), unless the node said that it can never have that.
 */
export function podRequests(pod: Pod): PodRequests {
  const exact = total(pod, (list) => resourcesOf(list));
  const assumed = total(pod, withAssumed);
  return { requested: exact, nonZero: { milliCpu: assumed.milliCpu, memory: assumed.memory } };
}

function withAssumed(list: ResourceList): Resources {
  const resources = resourcesOf(list);
  if (list?.['cpu'] === undefined) resources.milliCpu = assumedMilliCpu;
  if (list?.['memory'] === undefined) resources.memory = assumedMemory;
  return resources;
}

function total(pod: Pod, read: (list: ResourceList) => Resources): Resources {
  const statuses = statusesByName(pod);
  const infeasible = isResizeInfeasible(pod);
  const requestsOf = (container: Container): Resources => {
    const status = statuses?.get(container.name);
    if (!status) return read(container.resources?.requests);
    const actual = resourcesOf(status.resources?.requests);
    raiseTo(actual, resourcesOf(status.allocatedResources));
    if (!infeasible || !status.resources) raiseTo(actual, read(container.resources?.requests));
    return actual;
  };

  const sum = noResources();
  for (const container of pod.spec.containers) addResources(sum, requestsOf(container));
  const sidecars = noResources();
  const peak = noResources();
  for (const container of pod.spec.initContainers ?? []) {
    const requests = requestsOf(container);
    if (container.restartPolicy === 'Always') {
      addResources(sum, requests);
      addResources(sidecars, requests);
      raiseTo(peak, sidecars);
    } else {
      addResources(requests, sidecars);
      raiseTo(peak, requests);
    }
  }
  raiseTo(sum, peak);
  applyPodLevel(sum, pod.spec.resources);
  if (pod.spec.overhead) addResources(sum, resourcesOf(pod.spec.overhead));
  return sum;
}

function applyPodLevel(sum: Resources, resources: ResourceRequirements | undefined): void {
  for (const [name, quantity] of Object.entries(resources?.requests ?? {})) {
    if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) {
      setAmount(sum, name, amountOf(name, quantity));
    }
  }
}

function statusesByName(pod: Pod): Map<string, ContainerStatus> | undefined {
  const { containerStatuses, initContainerStatuses } = pod.status ?? {};
  if (!containerStatuses && !initContainerStatuses) return undefined;
  const all = [...(containerStatuses ?? []), ...(initContainerStatuses ?? [])];
  const resized = all.filter((status) => status.resources?.requests || status.allocatedResources);
  return resized.length === 0 ? undefined : new Map(resized.map((status) => [status.name, status]));
}

function isResizeInfeasible(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some(
    (condition) => condition.type === 'PodResizePending' && condition.reason === 'Infeasible',
  );
}
