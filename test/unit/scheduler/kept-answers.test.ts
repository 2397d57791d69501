import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../functions/scheduler/config/default-settings.ts';
import { SchedulingAlgorithm } from '../../../functions/scheduler/cycle.ts';
import { buildProfile } from '../../../functions/scheduler/framework/build-profile.ts';
import { CycleState } from '../../../functions/scheduler/framework/cycle-state.ts';
import { fitErrorMessage } from '../../../functions/scheduler/framework/fit-error.ts';
import { Nominator } from '../../../functions/scheduler/framework/nominator.ts';
import { type PodInfo, podInfoOf } from '../../../functions/scheduler/framework/pod-info.ts';
import { activeFilters, type Profile, runPreFilter } from '../../../functions/scheduler/framework/profile.ts';
import { ClusterState } from '../../../functions/scheduler/framework/snapshot.ts';
import { trialHandle } from '../../../functions/scheduler/framework-handle.ts';
import { builtInPlugins } from '../../../functions/scheduler/plugins/registry.ts';
import { type Candidate, selectVictims } from '../../../functions/scheduler/plugins/victims.ts';
import fc from '../../support/property.ts';
import { contextOf, nodeOf, podOf } from './world.ts';

const nodeName = fc.integer({ min: 0, max: 4 }).map((index) => `node-${index}`);
const podName = fc.integer({ min: 0, max: 11 }).map((index) => `pod-${index}`);
const cpu = fc.integer({ min: 1, max: 4 }).map(String);
const step = fc.oneof(
  fc.record({
    op: fc.constant('place' as const),
    podName,
    nodeName,
    cpu,
    priority: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({ op: fc.constant('remove' as const), podName }),
  fc.record({ op: fc.constant('status' as const), podName, startTime: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ op: fc.constant('end' as const), podName }),
  fc.record({ op: fc.constant('node' as const), nodeName, cpu, unschedulable: fc.boolean() }),
  fc.record({ op: fc.constant('leave' as const), nodeName }),
  fc.record({
    op: fc.constant('nominate' as const),
    podName: fc.constantFrom('other-0', 'other-1'),
    nodeName,
    cpu,
  }),
  fc.record({ op: fc.constant('drop' as const), podName: fc.constantFrom('other-0', 'other-1') }),
  // Most often: an answer is kept from one of these to the next.
  ...Array.from({ length: 4 }, () =>
    fc.record({
      op: fc.constant('decide' as const),
      cpu: fc.constantFrom('3', '4'),
      priority: fc.constantFrom(1, 3),
    }),
  ),
);

interface Decider {
  algorithm: SchedulingAlgorithm;
  profile: Profile;
  /** What preemption would cost there. */
  cost(pod: PodInfo, nodeName: string): readonly number[];
}

function deciderOf(state: ClusterState, nominator: Nominator): Decider {
  const algorithm = new SchedulingAlgorithm(state, nominator, () => 0);
  const [settings] = defaultSettings().profiles;
  if (!settings) throw new Error('no profile');
  const context = contextOf(state);
  const handle = {
    ...context.framework,
    ...trialHandle(() => profile, algorithm, nominator),
    clearNomination: () => undefined,
  };
  const profile: Profile = buildProfile(settings, builtInPlugins, {
    ...context,
    random: () => 0,
    signal: AbortSignal.abort(),
    framework: handle,
  });
  return {
    algorithm,
    profile,
    cost(pod, name) {
      const cycle = new CycleState();
      runPreFilter(profile, cycle, pod, state);
      const node = state.node(name);
      if (!node) throw new Error(`there is no ${name}`);
      return (selectVictims(cycle, pod, node, [], handle) as Candidate).cost;
    },
  };
}

it('says of a full cluster, from what it has kept, what it says when it asks every node, in 2,000 histories', () => {
  let unfit = 0;
  let preempting = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      const state = new ClusterState();
      const nominator = new Nominator(state.changes);
      const allocatable = { cpu: '4', memory: '8Gi', pods: '10' };
      for (let i = 0; i < 5; i++) {
        state.setNode(nodeOf(`node-${i}`, { allocatable }));
        const there = podOf(`pod-${i}`, { requests: { cpu: '2' }, priority: i % 3, nodeName: `node-${i}` });
        state.setPod({ ...there, metadata: { ...there.metadata, generation: 1 } });
      }
      const keeping = deciderOf(state, nominator);
      let sequence = 0;
      for (const one of steps) {
        const placed = 'podName' in one ? state.placement(`default/${one.podName}`) : undefined;
        switch (one.op) {
          case 'place': {
            const pod = podOf(one.podName, { ...one, requests: { cpu: one.cpu } });
            state.setPod({ ...pod, metadata: { ...pod.metadata, uid: `${++sequence}`, generation: 1 } });
            break;
          }
          case 'remove':
            state.removePod(`default/${one.podName}`);
            break;
          case 'status':
            if (placed) {
              const startTime = `2026-01-01T00:00:0${one.startTime}Z`;
              state.setPod({ ...placed.info.pod, status: { ...placed.info.pod.status, startTime } });
            }
            break;
          case 'end':
            if (placed) {
              const metadata = { ...placed.info.pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
              state.setPod({ ...placed.info.pod, metadata });
            }
            break;
          case 'node': {
            const { unschedulable } = one;
            state.setNode(
              nodeOf(one.nodeName, { allocatable: { ...allocatable, cpu: one.cpu }, unschedulable }),
            );
            break;
          }
          case 'leave':
            state.removeNode(one.nodeName);
            break;
          case 'nominate':
            nominator.set(
              podInfoOf(podOf(one.podName, { requests: { cpu: one.cpu }, priority: 2 })),
              one.nodeName,
            );
            break;
          case 'drop':
            nominator.delete(`default/${one.podName}`);
            break;
          case 'decide': {
            const pod = podInfoOf(
              podOf(`new-${++sequence}`, { requests: { cpu: one.cpu }, priority: one.priority }),
            );
            const kept = keeping.algorithm.decide(keeping.profile, pod);
            const fresh = deciderOf(state, nominator);
            const asked = fresh.algorithm.decide(fresh.profile, pod);
            expect(kept.outcome).toBe(asked.outcome);
            if (kept.outcome === 'node') {
              const cycle = new CycleState();
              runPreFilter(fresh.profile, cycle, pod, state);
              const node = state.node(kept.nodeName);
              if (!node) throw new Error(`there is no ${kept.nodeName}`);
              const filters = activeFilters(fresh.profile, cycle);
              expect(
                fresh.algorithm.filterWithNominated(fresh.profile, filters, cycle, pod, node),
              ).toBeUndefined();
            }
            if (kept.outcome !== 'unfit' || asked.outcome !== 'unfit') break;
            unfit++;
            expect(fitErrorMessage(kept.diagnosis)).toBe(fitErrorMessage(asked.diagnosis));
            expect(kept.diagnosis.unschedulablePlugins).toEqual(asked.diagnosis.unschedulablePlugins);
            expect(Boolean(kept.nominatedNodeName)).toBe(Boolean(asked.nominatedNodeName));
            if (!kept.nominatedNodeName || !asked.nominatedNodeName) break;
            preempting++;
            expect(fresh.cost(pod, kept.nominatedNodeName)).toEqual(fresh.cost(pod, asked.nominatedNodeName));
          }
        }
      }
    }),
    { numRuns: 2_000, seed: 20260101 },
  );
  expect(unfit).toBeGreaterThan(1_000);
  expect(preempting).toBeGreaterThan(500);
}, 300_000);

describe('profiles whose Filters have other arguments', () => {
  const gpu = 'example.com/gpu';
  const [standard] = defaultSettings().profiles;

  /** Two profiles above one cluster of two nodes without the resource that one of them ignores. */
  function twoProfiles() {
    if (!standard) throw new Error('no profile');
    const state = new ClusterState();
    for (const name of ['node-0', 'node-1']) state.setNode(nodeOf(name));
    const nominator = new Nominator(state.changes);
    const algorithm = new SchedulingAlgorithm(state, nominator, () => 0);
    const profileOf = (schedulerName: string, ignoredResources: string[]): Profile => {
      const context = contextOf(state);
      const profile: Profile = buildProfile(
        { ...standard, schedulerName, args: new Map([['NodeResourcesFit', { ignoredResources }]]) },
        builtInPlugins,
        {
          ...context,
          profileName: schedulerName,
          framework: { ...context.framework, ...trialHandle(() => profile, algorithm, nominator) },
        },
      );
      return profile;
    };
    const profiles = { strict: profileOf('strict', []), lenient: profileOf('lenient', [gpu]) };
    let sequence = 0;
    const outcome = (schedulerName: keyof typeof profiles) => {
      const pod = podOf(`new-${++sequence}`, { requests: { [gpu]: '1' }, spec: { schedulerName } });
      return algorithm.decide(profiles[schedulerName], podInfoOf(pod)).outcome;
    };
    return { nominator, outcome };
  }

  it('do not take over that nodes turned down like pods of another profile', () => {
    const { outcome } = twoProfiles();
    // The second time from what was kept.
    expect([outcome('strict'), outcome('strict')]).toEqual(['unfit', 'unfit']);
    expect(outcome('lenient')).toBe('node');
    expect(outcome('strict')).toBe('unfit');
  });

  it('do not take over that nodes would have like pods of another profile', () => {
    const { nominator, outcome } = twoProfiles();
    // Only while there are nominations it is kept that a pod fits.
    nominator.set(podInfoOf(podOf('nominated', { requests: { cpu: '1' }, priority: 2 })), 'node-0');
    expect([outcome('lenient'), outcome('lenient')]).toEqual(['node', 'node']);
    expect(outcome('strict')).toBe('unfit');
  });
});
