import type { Check } from './check.ts';

type Args = Readonly<Record<string, unknown>>;

const common = ['apiVersion', 'kind'];

/** Checks the arguments of a built-in plugin; those of other plugins are theirs to check. */
export function checkArgs(check: Check, path: string, plugin: string, value: unknown): Args {
  const known = checks[plugin];
  if (known) return known(check, path, value);
  return builtInWithoutArgs.has(plugin) ? check.object(path, value, common) : ((value ?? {}) as Args);
}

const builtInWithoutArgs = new Set([
  'SchedulingGates',
  'PrioritySort',
  'NodeUnschedulable',
  'NodeName',
  'TaintToleration',
  'NodePorts',
  'ImageLocality',
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeZone',
  'DefaultBinder',
]);

const checks: Readonly<Record<string, (check: Check, path: string, value: unknown) => Args>> = {
  NodeAffinity(check, path, value) {
    const args = check.object(path, value, [...common, 'addedAffinity']);
    check.object(`${path}.addedAffinity`, args['addedAffinity'], [
      'requiredDuringSchedulingIgnoredDuringExecution',
      'preferredDuringSchedulingIgnoredDuringExecution',
    ]);
    return args;
  },
  NodeResourcesFit(check, path, value) {
    const args = check.object(path, value, [
      ...common,
      'ignoredResources',
      'ignoredResourceGroups',
      'scoringStrategy',
    ]);
    for (const field of ['ignoredResources', 'ignoredResourceGroups']) {
      check
        .list(`${path}.${field}`, args[field])
        .forEach((name, i) => check.string(`${path}.${field}[${i}]`, name));
    }
    scoringStrategy(check, `${path}.scoringStrategy`, args['scoringStrategy']);
    return args;
  },
  NodeResourcesBalancedAllocation(check, path, value) {
    const args = check.object(path, value, [...common, 'resources']);
    resources(check, `${path}.resources`, args['resources'], 1);
    return args;
  },
  InterPodAffinity(check, path, value) {
    const args = check.object(path, value, [
      ...common,
      'hardPodAffinityWeight',
      'ignorePreferredTermsOfExistingPods',
    ]);
    check.integer(`${path}.hardPodAffinityWeight`, args['hardPodAffinityWeight'], { min: 0, max: 100 });
    check.boolean(`${path}.ignorePreferredTermsOfExistingPods`, args['ignorePreferredTermsOfExistingPods']);
    return args;
  },
  DefaultPreemption(check, path, value) {
    const args = check.object(path, value, [
      ...common,
      'minCandidateNodesPercentage',
      'minCandidateNodesAbsolute',
    ]);
    check.integer(`${path}.minCandidateNodesPercentage`, args['minCandidateNodesPercentage'], {
      min: 0,
      max: 100,
    });
    check.integer(`${path}.minCandidateNodesAbsolute`, args['minCandidateNodesAbsolute'], { min: 0 });
    if (args['minCandidateNodesPercentage'] === 0 && args['minCandidateNodesAbsolute'] === 0) {
      check.add(path, 0, 'minCandidateNodesPercentage and minCandidateNodesAbsolute cannot both be zero');
    }
    return args;
  },
  VolumeBinding(check, path, value) {
    const args = check.object(path, value, [...common, 'bindTimeoutSeconds']);
    check.integer(`${path}.bindTimeoutSeconds`, args['bindTimeoutSeconds'], { min: 0 });
    return args;
  },
  DynamicResources(check, path, value) {
    const args = check.object(path, value, [...common, 'bindingTimeoutSeconds']);
    check.integer(`${path}.bindingTimeoutSeconds`, args['bindingTimeoutSeconds'], { min: 1 });
    return args;
  },
  PodTopologySpread(check, path, value) {
    const args = check.object(path, value, [...common, 'defaultConstraints', 'defaultingType']);
    const type = args['defaultingType'];
    if (type !== undefined) check.oneOf(`${path}.defaultingType`, type, ['System', 'List']);
    const constraints = check.list(`${path}.defaultConstraints`, args['defaultConstraints']);
    if (constraints.length > 0 && type !== 'List') {
      check.add(`${path}.defaultingType`, type, 'when .defaultConstraints are set, must be List');
    }
    constraints.forEach((entry, index) => {
      const at = `${path}.defaultConstraints[${index}]`;
      const constraint = check.object(at, entry, [
        'maxSkew',
        'topologyKey',
        'whenUnsatisfiable',
        'minDomains',
        'labelSelector',
      ]);
      check.integer(`${at}.maxSkew`, constraint['maxSkew'] ?? 0, { min: 1 });
      if (!check.string(`${at}.topologyKey`, constraint['topologyKey']))
        check.add(`${at}.topologyKey`, '', 'can not be empty');
      check.oneOf(`${at}.whenUnsatisfiable`, constraint['whenUnsatisfiable'], [
        'DoNotSchedule',
        'ScheduleAnyway',
      ]);
      if (constraint['labelSelector'] !== undefined) {
        check.add(
          `${at}.labelSelector`,
          constraint['labelSelector'],
          'constraint must not define a selector, as they deduced for each pod',
        );
      }
    });
    return args;
  },
};

function scoringStrategy(check: Check, path: string, value: unknown): void {
  if (value === undefined) return;
  const strategy = check.object(path, value, ['type', 'resources', 'requestedToCapacityRatio']);
  const type = strategy['type'] ?? 'LeastAllocated';
  check.oneOf(`${path}.type`, type, ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']);
  resources(check, `${path}.resources`, strategy['resources'], 100);
  const ratio = check.object(`${path}.requestedToCapacityRatio`, strategy['requestedToCapacityRatio'], [
    'shape',
  ]);
  const shape = check.list(`${path}.requestedToCapacityRatio.shape`, ratio['shape']);
  if (type === 'RequestedToCapacityRatio' && shape.length === 0) {
    check.add(`${path}.requestedToCapacityRatio.shape`, shape, 'at least one point must be specified');
  }
  let last = -1;
  shape.forEach((entry, index) => {
    const at = `${path}.requestedToCapacityRatio.shape[${index}]`;
    const point = check.object(at, entry, ['utilization', 'score']);
    const utilization =
      check.integer(`${at}.utilization`, point['utilization'] ?? 0, { min: 0, max: 100 }) ?? last;
    if (utilization <= last)
      check.add(`${at}.utilization`, utilization, 'utilization values must be sorted in increasing order');
    last = utilization;
    check.integer(`${at}.score`, point['score'] ?? 0, { min: 0, max: 10 });
  });
}

function resources(check: Check, path: string, value: unknown, maxWeight: number): void {
  const seen = new Set<unknown>();
  check.list(path, value).forEach((entry, index) => {
    const at = `${path}[${index}]`;
    const resource = check.object(at, entry, ['name', 'weight']);
    const { name } = resource;
    if (!check.string(`${at}.name`, name)) check.add(`${at}.name`, name, 'Required value');
    if (seen.has(name)) check.add(`${at}.name`, name, 'Duplicate value');
    seen.add(name);
    check.integer(`${at}.weight`, resource['weight'] ?? 1, { min: 1, max: maxWeight });
  });
}
