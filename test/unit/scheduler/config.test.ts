import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfiguration } from '../../../functions/scheduler/config/parse.ts';

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
    expect(packing?.points.score).toEqual([{ name: 'NodeResourcesFit', weight: 5 }]);
    expect(packing?.points.filter.find(({ name }) => name === 'NodeAffinity')?.weight).toBe(9);
    expect(names(packing?.points.filter)).not.toContain('ImageLocality');
    expect(names(other?.points.filter)).toContain('ImageLocality');
    expect(packing?.args.get('NodeResourcesFit')).toEqual({ scoringStrategy: { type: 'MostAllocated' } });
  });

  it.each([
    [
      'podInitialBackoffSeconds: 0',
      'podInitialBackoffSeconds: Invalid value: 0: must be greater than or equal to 1',
    ],
    ['podMaxBackoffSeconds: x', 'podMaxBackoffSeconds: Invalid value: "x": must be an integer'],
    ['novel: 1', 'novel: Invalid value: 1: unknown field'],
    ['profiles: 5', 'profiles: Invalid value: 5: must be a list'],
    ['profiles: [{}, {}]', 'profiles[1].schedulerName: Invalid value: "default-scheduler": Duplicate value'],
    [
      'profiles: [{plugins: {score: {enabled: [{name: Novel}]}}}]',
      'profiles[0].plugins.score.enabled[0].name: Invalid value: "Novel": there is no such plugin',
    ],
    [
      'profiles: [{plugins: {score: {enabled: [{name: NodeAffinity, weight: -1}]}}}]',
      'profiles[0].plugins.score.enabled[0].weight: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 101}}]}]',
      'profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: must be less than or equal to 100',
    ],
    [
      'profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Best}}}]}]',
      'profiles[0].pluginConfig[0].args.scoringStrategy.type: Invalid value: "Best": must be one of: LeastAllocated, MostAllocated, RequestedToCapacityRatio',
    ],
  ])('says where and why it stops: %s', (yaml, message) => {
    expect(() => read(yaml)).toThrow(
      expect.objectContaining({ kind: 'Invalid', message: expect.stringContaining(message) as string }),
    );
  });

  it('takes no other version', () => {
    expect(() => parseConfiguration({ apiVersion: 'v1', kind: 'KubeSchedulerConfiguration' })).toThrow(
      'apiVersion: Invalid value: "v1"',
    );
  });
});
