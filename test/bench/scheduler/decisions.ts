import { defaultSettings } from '../../../functions/scheduler/config/default-settings.ts';
import { SchedulingAlgorithm } from '../../../functions/scheduler/cycle.ts';
import { trialHandle } from '../../../functions/scheduler/framework-handle.ts';
import { buildProfile } from '../../../functions/scheduler/framework/build-profile.ts';
import { Nominator } from '../../../functions/scheduler/framework/nominator.ts';
import { podInfoOf } from '../../../functions/scheduler/framework/pod-info.ts';
import type { Profile } from '../../../functions/scheduler/framework/profile.ts';
import { ClusterState } from '../../../functions/scheduler/framework/snapshot.ts';
import { builtInPlugins } from '../../../functions/scheduler/plugins/registry.ts';
import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { contextOf, nodeOf } from '../../unit/scheduler/world.ts';
import { podOf, type PodTemplate } from './cluster.ts';
import { zoneLabel } from './throughput.ts';
import { highPriority, type Workload } from './workloads.ts';

/**
 * Microseconds of CPU time for one decision, from a pod to its node (or to the node that preemption makes room on), without the API:
 * the mean over the measured pods of a workload, each placed before the next is decided.
 */
export function decisionMicroseconds(workload: Workload, scale: number): number {
  const scaled = (count: number) => Math.max(1, Math.round(count * scale));
  const state = new ClusterState();
  const nominator = new Nominator(state.changes);
  const algorithm = new SchedulingAlgorithm(state, nominator, Math.random);
  const [settings] = defaultSettings().profiles;
  if (!settings) throw new Error('no profile');
  const context = contextOf(state);
  const profile: Profile = buildProfile(settings, builtInPlugins, {
    ...context,
    random: Math.random,
    // Victims are chosen, and not removed: that is the API's part.
    signal: AbortSignal.abort(),
    framework: {
      ...context.framework,
      ...trialHandle(() => profile, algorithm, nominator),
    },
  });
  const nodeCount = scaled(workload.nodes);
  const allocatable = { cpu: '4', memory: '32Gi', pods: '110' };
  for (let index = 0; index < nodeCount; index++) {
    state.setNode(nodeOf(`node-${index}`, { allocatable, labels: zoneLabel(workload, index) }));
  }
  const initial = workload.initial ? scaled(workload.initial.count) : 0;
  for (let index = 0; index < initial && workload.initial; index++) {
    const pod = persisted(workload.initial.template, index);
    state.setPod({ ...pod, spec: { ...pod.spec, nodeName: `node-${index % nodeCount}` } });
  }
  const count = scaled(workload.measured.count);
  const infos = Array.from({ length: count }, (_, index) =>
    podInfoOf(persisted(workload.measured.template, index)),
  );
  const before = process.cpuUsage();
  for (const info of infos) {
    const decision = algorithm.decide(profile, info);
    if (decision.outcome === 'node') state.assume(info, decision.nodeName);
    else if (decision.outcome === 'unfit' && decision.nominatedNodeName) {
      // As if the victims had gone: the next pod finds the room taken.
      const node = state.node(decision.nominatedNodeName);
      for (const pod of node?.pods.values() ?? []) if (pod.priority < info.priority) state.removePod(pod.key);
      state.assume(info, decision.nominatedNodeName);
    } else throw new Error(`${info.key} found no node`);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

function persisted(template: PodTemplate, index: number): Persisted<Pod> {
  const pod = podOf(template, index);
  const name = pod.metadata.name ?? '';
  const priority = pod.spec.priorityClassName === highPriority ? 10 : 0;
  return {
    ...pod,
    metadata: { ...pod.metadata, name, uid: name, resourceVersion: '1', creationTimestamp: '' },
    spec: { ...pod.spec, priority, preemptionPolicy: 'PreemptLowerPriority' },
  };
}
