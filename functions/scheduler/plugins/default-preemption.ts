import { rfc3339 } from '../../../lib/clock.ts';
import { pods } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { fitErrorMessage } from '../framework/fit-error.ts';
import type { NodeInfo } from '../framework/node-info.ts';
import { NodeStatuses } from '../framework/node-statuses.ts';
import type { Plugin, PluginContext } from '../framework/plugin.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { errorStatus, unresolvable, unschedulable } from '../framework/status.ts';
import { DryRuns } from './dry-runs.ts';
import { type Candidate, costsLess } from './victims.ts';

export interface DefaultPreemptionArgs {
  /** Nodes to try at least, as a share of all (0 to 100, default 10) and as a number (default 100). */
  minCandidateNodesPercentage?: number;
  minCandidateNodesAbsolute?: number;
}

const notHelpful = unresolvable('Preemption is not helpful for scheduling');

/**
 * Makes room for a pod by removing pods of lower priority: it finds the cheapest node, removes the victims in the
 * background, gracefully, and nominates the node. The pod waits meanwhile, and is then tried again like any other.
 */
export function defaultPreemption(args: DefaultPreemptionArgs, context: PluginContext): Plugin {
  const { clock, client, framework, log, random, recorder, signal, profileName } = context;
  const minPercentage = args.minCandidateNodesPercentage ?? 10;
  const minAbsolute = args.minCandidateNodesAbsolute ?? 100;
  const dryRuns = new DryRuns(framework, context.snapshot.changes);
  /** Pods whose victims are being removed. */
  const preempting = new Set<string>();

  function ineligible(pod: PodInfo, statuses: NodeStatuses): string | undefined {
    if (pod.pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
    const nominated = pod.pod.status?.nominatedNodeName;
    if (!nominated || statuses.of(nominated).code === 'UnschedulableAndUnresolvable') return undefined;
    const node = context.snapshot.node(nominated);
    const leaving = [...(node?.pods.values() ?? [])].some(
      (other) => other.priority < pod.priority && isBeingPreempted(other),
    );
    return leaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
  }

  async function removeVictim(victim: PodInfo, preemptor: PodInfo, nodeName: string): Promise<void> {
    const waiting = framework.waitingPod(victim.key);
    if (waiting) return waiting.reject('DefaultPreemption', 'preempted');
    const { namespace, name, uid } = victim.pod.metadata;
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${profileName}: preempting to accommodate a higher priority pod`,
      observedGeneration: victim.pod.metadata.generation,
      lastTransitionTime: rfc3339(clock.now()),
    };
    try {
      if (!victim.pod.metadata.deletionTimestamp) {
        const patch = { metadata: { uid }, status: { conditions: [condition] } };
        await client.patch(
          pods,
          { namespace, name },
          { type: 'strategic', patch },
          { subresource: 'status' },
        );
        await client.delete(pods, { namespace, name }, { preconditions: { uid } });
      }
    } catch (error) {
      // Gone already, or another pod has its name: either way it is out of the way.
      if (!isKind(error, 'NotFound', 'Conflict')) throw error;
    }
    const by = preemptor.pod.metadata.uid;
    recorder.event(victim.pod, 'Normal', 'Preempted', `Preempted by pod ${by} on node ${nodeName}`);
  }

  async function prepare({ node, victims }: Candidate, pod: PodInfo): Promise<void> {
    try {
      if (signal.aborted) return;
      await Promise.all(victims.map((victim) => removeVictim(victim, pod, node.name)));
    } catch (error) {
      // The room was not made: the nomination would only keep others out.
      framework.clearNomination(pod.key);
      log.warn({ err: error, pod: pod.key, node: node.name }, 'preemption failed, the pod is tried again');
    } finally {
      preempting.delete(pod.key);
      framework.activate(pod.key);
    }
  }

  /** The cheapest of so many as are enough, from a node taken by chance; or why no node is one. */
  function findCandidate(
    state: Parameters<NonNullable<Plugin['postFilter']>>[0],
    pod: PodInfo,
    potential: readonly NodeInfo[],
  ): Candidate | NodeStatuses {
    const enough = Math.min(
      potential.length,
      Math.max(minAbsolute, Math.floor((potential.length * minPercentage) / 100)),
    );
    const offset = Math.floor(random() * potential.length);
    const tryOn = dryRuns.of(state, pod, potential, context.objects.budgets.list());
    let best: Candidate | undefined;
    let found = 0;
    let withoutViolation = 0;
    for (let i = 0; i < potential.length; i++) {
      const result = tryOn((offset + i) % potential.length);
      if ('code' in result) continue;
      found++;
      if (result.violations === 0) withoutViolation++;
      if (!best || costsLess(result, best)) best = result;
      if (withoutViolation > 0 && found >= enough) break;
    }
    if (best) return best;
    const failures = new NodeStatuses(notHelpful);
    potential.forEach((node, place) => {
      const result = tryOn(place);
      if ('code' in result) failures.add(node, result);
    });
    return failures;
  }

  return {
    name: 'DefaultPreemption',
    // When room is there, the plugins that missed it say so; until all victims are asked to end, the pod is kept out.
    events: [{ resource: 'AssignedPod', actions: ['Delete'], hint: () => 'Skip' }],
    preEnqueue: ({ metadata }) =>
      preempting.has(`${metadata.namespace}/${metadata.name}`)
        ? unresolvable('waiting for the preemption for this pod to be finished')
        : undefined,
    postFilter(state, pod, snapshot, statuses) {
      const reason = ineligible(pod, statuses);
      if (reason) return { status: unschedulable(`preemption: ${reason}`) };
      const potential = statuses.withCode('Unschedulable', snapshot.nodes);
      let best: Candidate | NodeStatuses;
      try {
        best = findCandidate(state, pod, potential);
      } catch (error) {
        return { status: errorStatus(error) };
      }
      if (best instanceof NodeStatuses) {
        const message = fitErrorMessage({
          allNodes: snapshot.nodes.length,
          nodeStatuses: best,
          unschedulablePlugins: new Set(),
          pendingPlugins: new Set(),
        });
        return { status: unschedulable(`preemption: ${message}`), nominatedNodeName: '' };
      }
      // Lesser pods that were to come here find another place.
      for (const other of framework.nominatedPods(best.node.name)) {
        if (other.priority < pod.priority) framework.clearNomination(other.key);
      }
      framework.madeRoom(best.victims.length);
      if (best.victims.length > 0) {
        preempting.add(pod.key);
        prepare(best, pod).catch((error: unknown) => log.error({ err: error }, 'preemption failed'));
      }
      return { nominatedNodeName: best.node.name };
    },
  };
}

function isBeingPreempted({ pod }: PodInfo): boolean {
  if (!pod.metadata.deletionTimestamp) return false;
  const condition = pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return !condition || (condition.status === 'True' && condition.reason === 'PreemptionByScheduler');
}
