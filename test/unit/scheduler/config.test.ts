import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfiguration } from '../../../functions/scheduler/config/parse.ts';
import { extensionPoints, methodOf } from '../../../functions/scheduler/config/settings.ts';
import { buildProfile } from '../../../functions/scheduler/framework/build-profile.ts';
import {
  builtInPlugins,
  builtInPoints,
  type Registry,
} from '../../../functions/scheduler/plugins/registry.ts';
import { contextOf } from './world.ts';

const header = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';
const read = (yaml: string) => parseConfiguration(parse(header + yaml));
const names = (plugins: readonly { name: string }[] | undefined) => plugins?.map(({ name }) => name);

describe('KubeSchedulerConfiguration', () => {
  it('gives the defaults when it says nothing', () => {
    const { podInitialBackoffSeconds, podMaxBackoffSeconds, profiles } = read('');
    expect([podInitialBackoffSeconds, podMaxBackoffSeconds, profiles.length]).toEqual([1, 10, 1]);
    expect(profiles[0]?.schedulerName).toBe('default-scheduler');
    expect(profiles[0]?.points.score.find(({ name }) => name === 'TaintToleration')?.weight).toBe(3);
  });

  it('merges what a profile enables and disables', () => {
    const { profiles } = read(`
profiles:
- schedulerName: packing
  percentageOfNodesToScore: 70
  plugins:
    multiPoint:
      disabled: [{name: ImageLocality}]
      enabled: [{name: NodeAffinity, weight: 9}]
    score:
      enabled: [{name: NodeResourcesFit, weight: 5}]
      disabled: [{name: '*'}]
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated}}
- schedulerName: other
`);
    const [packing, other] = profiles;
    expect(packing?.percentageOfNodesToScore).toBe(70);
    expect(packing?.points.score).toMatchObject([{ name: 'NodeResourcesFit', weight: 5 }]);
    expect(packing?.points.filter.find(({ name }) => name === 'NodeAffinity')?.weight).toBe(9);
    expect(names(packing?.points.filter)).not.toContain('ImageLocality');
    expect(names(other?.points.filter)).toContain('ImageLocality');
    expect(packing?.args.get('NodeResourcesFit')).toEqual({ scoringStrategy: { type: 'MostAllocated' } });
  });

  it('runs what a point and multiPoint both name first, then the rest of multiPoint, then the rest of the point', () => {
    const { profiles } = read(`
profiles:
- plugins:
    multiPoint:
      disabled: [{name: '*'}]
      enabled: [{name: PrioritySort}, {name: DefaultBinder}, {name: ImageLocality}, {name: NodeAffinity}, {name: TaintToleration}]
    score:
      disabled: [{name: ImageLocality}]
      enabled: [{name: InterPodAffinity}, {name: TaintToleration, weight: 7}]
`);
    const scoring = profiles[0]?.points.score.filter(({ name }) => builtInPoints[name]?.includes('score'));
    expect(names(scoring)).toEqual(['TaintToleration', 'NodeAffinity', 'InterPodAffinity']);
    expect(scoring?.[0]?.weight).toBe(7);
  });

  it('knows of every built-in plugin where it can be enabled', () => {
    for (const [name, make] of builtInPlugins) {
      const plugin = make(undefined, contextOf());
      const points = extensionPoints.filter((point) => typeof plugin[methodOf[point]] === 'function');
      expect(builtInPoints[name], name).toEqual(expect.arrayContaining(points));
    }
    expect(Object.keys(builtInPoints).sort()).toEqual([...builtInPlugins.keys()].sort());
  });

  it('stops for a plugin of one’s own that does not do what it is enabled for', () => {
    const own: Registry = new Map([...builtInPlugins, ['Own', () => ({ name: 'Own' })]]);
    const yaml = 'profiles: [{plugins: {score: {enabled: [{name: Own}]}}}]';
    const [settings] = parseConfiguration(parse(header + yaml), own).profiles;
    expect(() => settings && buildProfile(settings, own, contextOf())).toThrow(
      'profiles[0].plugins.score.enabled[0].name: Invalid value: "Own": does not extend score',
    );
  });

  it('takes all arguments that there are', () => {
    const { profiles } = read(`
profiles:
- pluginConfig:
  - name: DefaultPreemption
    args: {apiVersion: kubescheduler.config.k8s.io/v1, kind: DefaultPreemptionArgs, minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 1}
  - name: InterPodAffinity
    args: {hardPodAffinityWeight: 100, ignorePreferredTermsOfExistingPods: true}
  - name: NodeAffinity
    args:
      addedAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}]
        preferredDuringSchedulingIgnoredDuringExecution:
        - {weight: 5, preference: {matchFields: [{key: metadata.name, operator: In, values: [node-1]}]}}
  - name: NodeResourcesFit
    args:
      ignoredResources: [example.com/foo]
      ignoredResourceGroups: [example.com]
      scoringStrategy:
        type: RequestedToCapacityRatio
        resources: [{name: cpu, weight: 100}, {name: example.com/gpu}]
        requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}
  - name: NodeResourcesBalancedAllocation
    args: {resources: [{name: cpu, weight: 1}]}
  - name: PodTopologySpread
    args: {defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]}
  - name: VolumeBinding
    args: {bindTimeoutSeconds: 0}
  - name: DynamicResources
    args: {filterTimeout: 1m30s, bindingTimeout: 1s}
`);
    expect(profiles[0]?.args.size).toBe(8);
  });

  it.each([
    ['podInitialBackoffSeconds: 0', 'podInitialBackoffSeconds: Invalid value: 0: must be greater than 0'],
    ['podMaxBackoffSeconds: x', 'podMaxBackoffSeconds: Invalid value: "x": must be an integer'],
    ['parallelism: 0', 'parallelism: Invalid value: 0: should be an integer value greater than zero'],
    ['parallelism: -1', 'parallelism: Invalid value: -1: should be an integer value greater than zero'],
    ['parallelism: 1.5', 'parallelism: Invalid value: 1.5: must be an integer'],
    ['clientConnection: {rate: 1}', 'clientConnection.rate: Invalid value: 1: unknown field'],
    [
      'percentageOfNodesToScore: 101',
      'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]',
    ],
    ['leaderElection: {lease: 1}', 'leaderElection.lease: Invalid value: 1: unknown field'],
    ['novel: 1', 'novel: Invalid value: 1: unknown field'],
    ['profiles: 5', 'profiles: Invalid value: 5: must be a list'],
    ['profiles: [{}, {}]', 'profiles[1].schedulerName: Required value'],
    [
      'profiles: [{schedulerName: one}, {schedulerName: one}]',
      'profiles[1].schedulerName: Duplicate value: "one"',
    ],
    [
      'profiles: [{plugins: {queueSort: {disabled: [{name: PrioritySort}]}}}]',
      'profiles[0].plugins.queueSort: Invalid value: "": exactly one queue sort plugin must be enabled',
    ],
    [
      "profiles: [{plugins: {bind: {disabled: [{name: '*'}]}}}]",
      'profiles[0].plugins.bind: Required value: at least one bind plugin must be enabled',
    ],
    ...[
      [
        '{multiPoint: {enabled: [{name: Novel}]}}',
        'multiPoint.enabled[0].name: Invalid value: "Novel": there is no such plugin',
      ],
      [
        '{score: {enabled: [{name: Novel}]}}',
        'score.enabled[0].name: Invalid value: "Novel": there is no such plugin',
      ],
      [
        '{score: {enabled: [{name: NodePorts}]}}',
        'score.enabled[0].name: Invalid value: "NodePorts": does not extend score',
      ],
      [
        '{score: {enabled: [{name: NodeAffinity, weight: -1}]}}',
        'score.enabled[0].weight: Invalid value: -1: must be greater than or equal to 0',
      ],
      [
        '{filter: {enabled: [{name: NodePorts}, {name: NodePorts}]}}',
        'filter.enabled[1].name: Duplicate value: "NodePorts"',
      ],
    ].map(([plugins, message]) => [`profiles: [{plugins: ${plugins}}]`, `profiles[0].plugins.${message}`]),
    ...[
      [
        'InterPodAffinity',
        '{hardPodAffinityWeight: 101}',
        'hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]',
      ],
      [
        'InterPodAffinity',
        '{kind: Other}',
        'kind: Unsupported value: "Other": supported values: "InterPodAffinityArgs"',
      ],
      [
        'DefaultPreemption',
        '{minCandidateNodesPercentage: -1}',
        'minCandidateNodesPercentage: Invalid value: -1: not in valid range [0, 100]',
      ],
      [
        'DefaultPreemption',
        '{minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}',
        'minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage',
      ],
      [
        'NodeAffinity',
        '{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Near}]}]}}}',
        'addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
      ],
      [
        'NodeResourcesFit',
        '{ignoredResourceGroups: [a/b]}',
        `ignoredResourceGroups[0]: Invalid value: "a/b": resource group name can't contain '/'`,
      ],
      [
        'NodeResourcesFit',
        '{scoringStrategy: {type: Best}}',
        'scoringStrategy.type: Unsupported value: "Best": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
      ],
      [
        'NodeResourcesFit',
        '{scoringStrategy: {resources: [{name: cpu, weight: 101}]}}',
        'scoringStrategy.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]',
      ],
      [
        'NodeResourcesFit',
        '{scoringStrategy: {type: RequestedToCapacityRatio}}',
        'scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio',
      ],
      [
        'NodeResourcesFit',
        '{scoringStrategy: {type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: [{utilization: 5}, {utilization: 5}]}}}',
        'scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 5: values must be sorted in increasing order',
      ],
      [
        'NodeResourcesBalancedAllocation',
        '{resources: [{name: cpu, weight: 2}]}',
        'resources[0].weight: Invalid value: 2: must be 1',
      ],
      [
        'PodTopologySpread',
        '{defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}',
        'defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
      ],
      [
        'PodTopologySpread',
        '{defaultingType: List, defaultConstraints: [{maxSkew: 0, topologyKey: zone, whenUnsatisfiable: Maybe}]}',
        'defaultConstraints[0].whenUnsatisfiable: Unsupported value: "Maybe": supported values: "DoNotSchedule", "ScheduleAnyway"',
      ],
      [
        'VolumeBinding',
        '{bindTimeoutSeconds: -1}',
        'bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value',
      ],
      [
        'VolumeBinding',
        '{shape: []}',
        'shape: Invalid value: []: unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring',
      ],
      [
        'DynamicResources',
        '{filterTimeout: -1s}',
        'filterTimeout: Invalid value: "-1s": must be zero or positive',
      ],
      [
        'DynamicResources',
        '{bindingTimeout: 100ms}',
        'bindingTimeout: Invalid value: "100ms": must be at least 1 second',
      ],
      [
        'DynamicResources',
        '{bindingTimeout: soon}',
        'bindingTimeout: Invalid value: "soon": must be a duration such as 10s',
      ],
      ['ImageLocality', '{fast: true}', 'fast: Invalid value: true: unknown field'],
    ].map(([name, args, message]) => [
      `profiles: [{pluginConfig: [{name: ${name}, args: ${args}}]}]`,
      `profiles[0].pluginConfig[0].args.${message}`,
    ]),
  ] as [string, string][])('says where and why it stops: %s', (yaml, message) => {
    expect(() => read(yaml)).toThrow(
      expect.objectContaining({ kind: 'Invalid', message: expect.stringContaining(message) as string }),
    );
  });

  it('takes no other version', () => {
    expect(() => parseConfiguration({ apiVersion: 'v1', kind: 'KubeSchedulerConfiguration' })).toThrow(
      'apiVersion: Unsupported value: "v1": supported values: "kubescheduler.config.k8s.io/v1"',
    );
  });
});
