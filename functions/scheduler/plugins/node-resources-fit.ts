import type { Node, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { isKind } from '../../../lib/errors.ts';
import { stateKey } from '../framework/cycle-state.ts';
import { NodeInfo } from '../framework/node-info.ts';
import type { Plugin } from '../framework/plugin.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { amount, podRequests, type Resources } from '../../../lib/api/pod-resources.ts';
import type { Status } from '../framework/status.ts';
import {
  leastAllocated,
  mostAllocated,
  requestedToCapacityRatio,
  type ResourceScorer,
  type ShapePoint,
  type WeightedResource,
} from './resource-scorers.ts';

export interface NodeResourcesFitArgs {
  /** Extended resources that the filter leaves out. */
  ignoredResources?: string[];
  /** The same, by the part of the name before the slash. */
  ignoredResourceGroups?: string[];
  scoringStrategy?: {
    type?: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
    resources?: WeightedResource[];
    requestedToCapacityRatio?: { shape: ShapePoint[] };
  };
}

export const cpuAndMemory: readonly WeightedResource[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

/** Keeps a pod off nodes that lack what it asks for, and scores by how full nodes would be. */
export function nodeResourcesFit(args: NodeResourcesFitArgs = {}): Plugin {
  const strategy = args.scoringStrategy ?? {};
  const resources = strategy.resources?.length
    ? strategy.resources.map(({ name, weight }) => ({ name, weight: weight || 1 }))
    : cpuAndMemory;
  const scorer = scorerOf(strategy, resources);
  const ignored = new Set(args.ignoredResources);
  const ignoredGroups = new Set(args.ignoredResourceGroups);
  const isIgnored = (name: string) =>
    ignored.has(name) || (name.includes('/') && ignoredGroups.has(name.slice(0, name.indexOf('/'))));
  // Reused from node to node: a cycle runs to its end before another begins.
  const requested = new Array<number>(resources.length).fill(0);
  const allocatable = new Array<number>(resources.length).fill(0);

  return {
    name: 'NodeResourcesFit',
    filtersByNodeAlone: true,
    events: [
      {
        resource: 'AssignedPod',
        actions: ['Delete', 'UpdatePodScaleDown'],
        hint: (pod, event) => freesWhatIsAskedFor(pod, event),
      },
      {
        resource: 'Node',
        actions: ['Add', 'UpdateNodeAllocatable'],
        hint: ({ requests: { requested } }, { before, after }) => {
          const node = new NodeInfo(after as Persisted<Node>);
          if (fit(requested, node, isIgnored)) return 'Skip';
          return hasGrown(before as Persisted<Node> | undefined, node, requested) ? 'Queue' : 'Skip';
        },
      },
      { resource: 'Pod', actions: ['UpdatePodScaleDown'] },
    ],
    preFilter(state, { requests: { requested } }) {
      state.write(resourcesToHold, namesOf(requested, isIgnored));
      return undefined;
    },
    filter: (_state, { requests }, node) => fit(requests.requested, node, isIgnored),
    score(_state, pod, node) {
      fill(resources, pod, node, requested, allocatable);
      return scorer(requested, allocatable);
    },
  };
}

/** What a binding must not run its node short of: whatever this plugin has filtered by. */
export const resourcesToHold = stateKey<readonly string[]>('resources to hold');

const measured = ['cpu', 'memory', 'ephemeral-storage'] as const;

function namesOf(wanted: Resources, isIgnored: (name: string) => boolean): string[] {
  const names = ['pods', ...measured.filter((name) => amount(wanted, name) > 0)];
  for (const [name, value] of wanted.scalars) if (value > 0 && !isIgnored(name)) names.push(name);
  return names;
}

const tooManyPods = 1;
const insufficient = { cpu: 2, memory: 4, 'ephemeral-storage': 8 } as const;
const hopeless = 16;

/** Every resource that is short, and whether the node could not hold the pod even if it were empty. */
function fit(wanted: Resources, node: NodeInfo, isIgnored: (name: string) => boolean): Status | undefined {
  const { allocatable, requested } = node;
  // Thousands of nodes are asked about thousands of pods: nothing is made before something is known to be short.
  let short = node.pods.size + 1 > node.allowedPods ? tooManyPods : 0;
  const { milliCpu, memory, ephemeralStorage } = wanted;
  if (milliCpu > 0 && milliCpu > allocatable.milliCpu - requested.milliCpu) {
    short |= insufficient.cpu | (milliCpu > allocatable.milliCpu ? hopeless : 0);
  }
  if (memory > 0 && memory > allocatable.memory - requested.memory) {
    short |= insufficient.memory | (memory > allocatable.memory ? hopeless : 0);
  }
  if (ephemeralStorage > 0 && ephemeralStorage > allocatable.ephemeralStorage - requested.ephemeralStorage) {
    short |=
      insufficient['ephemeral-storage'] | (ephemeralStorage > allocatable.ephemeralStorage ? hopeless : 0);
  }
  if (wanted.scalars.size === 0) return short === 0 ? undefined : (usual[short] ??= statusOf(short, []));
  const others: string[] = [];
  for (const [name, value] of wanted.scalars) {
    if (value === 0 || isIgnored(name)) continue;
    const total = allocatable.scalars.get(name) ?? 0;
    if (value <= total - (requested.scalars.get(name) ?? 0)) continue;
    others.push(`Insufficient ${name}`);
    if (value > total) short |= hopeless;
  }
  if (others.length > 0) return statusOf(short, others);
  return short === 0 ? undefined : (usual[short] ??= statusOf(short, []));
}

/** Answers without extended resources, each made once: they are counted by identity. */
const usual: (Status | undefined)[] = [];

function statusOf(short: number, others: readonly string[]): Status {
  return {
    code: short & hopeless ? 'UnschedulableAndUnresolvable' : 'Unschedulable',
    reasons: [
      ...(short & tooManyPods ? ['Too many pods'] : []),
      ...measured.filter((name) => short & insufficient[name]).map((name) => `Insufficient ${name}`),
      ...others,
    ],
    plugin: 'NodeResourcesFit',
  };
}

/** What would be in use with the pod on the node. CPU and memory count as assumed for containers that ask for none. */
function fill(
  resources: readonly WeightedResource[],
  { requests }: PodInfo,
  node: NodeInfo,
  requested: number[],
  allocatable: number[],
): void {
  for (let i = 0; i < resources.length; i++) {
    const { name } = resources[i] as WeightedResource;
    if (name === 'cpu') {
      requested[i] = node.nonZeroRequested.milliCpu + requests.nonZero.milliCpu;
      allocatable[i] = node.allocatable.milliCpu;
    } else if (name === 'memory') {
      requested[i] = node.nonZeroRequested.memory + requests.nonZero.memory;
      allocatable[i] = node.allocatable.memory;
    } else {
      const wanted = amount(requests.requested, name);
      // A pod that asks for none of an extended resource is not steered by it.
      const counts = wanted > 0 || name === 'ephemeral-storage';
      requested[i] = counts ? amount(node.requested, name) + wanted : 0;
      allocatable[i] = counts ? amount(node.allocatable, name) : 0;
    }
  }
}

function scorerOf(
  strategy: NonNullable<NodeResourcesFitArgs['scoringStrategy']>,
  resources: readonly WeightedResource[],
): ResourceScorer {
  switch (strategy.type ?? 'LeastAllocated') {
    case 'LeastAllocated':
      return leastAllocated(resources);
    case 'MostAllocated':
      return mostAllocated(resources);
    case 'RequestedToCapacityRatio':
      return requestedToCapacityRatio(resources, strategy.requestedToCapacityRatio?.shape ?? []);
  }
}

function freesWhatIsAskedFor(
  pod: PodInfo,
  { before, after }: { before: unknown; after: unknown },
): 'Queue' | 'Skip' {
  const was = podRequests(before as Pod).requested;
  const is = after ? podRequests(after as Pod).requested : undefined;
  // A pod that is gone leaves at least its place.
  if (!is) return 'Queue';
  const { requested } = pod.requests;
  const names = ['cpu', 'memory', 'ephemeral-storage', ...requested.scalars.keys()];
  return names.some((name) => amount(requested, name) > 0 && amount(was, name) > amount(is, name))
    ? 'Queue'
    : 'Skip';
}

/** Whether the node has more than before of something that is asked for. */
function hasGrown(before: Persisted<Node> | undefined, is: NodeInfo, wanted: Resources): boolean {
  const was = before && readable(before);
  if (!was || is.allowedPods > was.allowedPods) return true;
  const names = [...measured, ...wanted.scalars.keys()];
  return names.some(
    (name) => amount(wanted, name) > 0 && amount(is.allocatable, name) > amount(was.allocatable, name),
  );
}

/** Undefined for a node that reported what cannot be read, and was left out for it. */
function readable(node: Persisted<Node>): NodeInfo | undefined {
  try {
    return new NodeInfo(node);
  } catch (error) {
    if (isKind(error, 'BadRequest')) return undefined;
    throw error;
  }
}
