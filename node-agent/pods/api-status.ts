import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../../lib/api/gen/types.ts';
import { isIPv6 } from 'node:net';
import { rfc3339 } from '../../lib/clock.ts';
import { ephemeralContainers } from './actions.ts';
import { nodeConditionTypes, podConditions } from './conditions.ts';
import { containerStatuses, type StartFailure } from './container-statuses.ts';
import { type PodPhase, podPhase } from './phase.ts';
import { qosClassOf } from './qos.ts';
import { type PodView, podIpsOf } from './runtime-view.ts';

/** Fills in `ready` and `started` of containers that run, from what the probes found. */
export type MarkReadiness = (
  pod: Pod,
  statuses: { init: ContainerStatus[]; main: ContainerStatus[] },
) => void;

export interface PodStatusInput {
  pod: Pod;
  view: PodView;
  /** What was last reported; the API's own where the agent has just started. */
  previous: PodStatus;
  failures: ReadonlyMap<string, StartFailure>;
  /** Nothing of the pod will be started again. */
  isTerminal: boolean;
  runtimeName: string;
  hostIps: readonly string[];
  markReadiness: MarkReadiness;
  nowMs: number;
}

const terminalPhases: readonly (string | undefined)[] = ['Succeeded', 'Failed'];

export function isTerminalPhase(phase: string | undefined): boolean {
  return terminalPhases.includes(phase);
}

/** The whole status of a pod as the node sees it. Phases that are final stay what they are. */
export function generatePodStatus(input: PodStatusInput): PodStatus {
  const { pod, view, previous, failures, runtimeName, hostIps } = input;
  const common = { pod, view, failures, runtimeName };
  const init = containerStatuses(pod.spec.initContainers ?? [], {
    ...common,
    previous: previous.initContainerStatuses ?? [],
    isInit: true,
  });
  const main = containerStatuses(pod.spec.containers, {
    ...common,
    previous: previous.containerStatuses ?? [],
    isInit: false,
  });
  const ephemeral = containerStatuses(ephemeralContainers(pod), {
    ...common,
    previous: previous.ephemeralContainerStatuses ?? [],
    isInit: false,
  });
  input.markReadiness(pod, { init, main });
  const phase = finalPhase(input, podPhase(pod, [...main, ...init], input.isTerminal));
  const samePhase = phase === previous.phase;
  const ips = podIps(pod, view, previous, hostIps);
  return {
    observedGeneration: pod.metadata.generation,
    phase,
    conditions: withTimes(podConditions(pod, [...init, ...main], phase, view), pod, previous, input.nowMs),
    ...(samePhase && previous.reason ? { reason: previous.reason } : {}),
    ...(samePhase && previous.message ? { message: previous.message } : {}),
    hostIP: hostIps[0],
    hostIPs: hostIps.map((ip) => ({ ip })),
    ...(ips.length > 0 ? { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } : {}),
    startTime: previous.startTime ?? rfc3339(input.nowMs),
    qosClass: qosClassOf(pod),
    containerStatuses: main,
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
  };
}

function finalPhase({ pod, previous }: PodStatusInput, phase: PodPhase): PodPhase {
  for (const settled of [pod.status?.phase, previous.phase]) {
    if (isTerminalPhase(settled)) return settled as PodPhase;
  }
  return phase;
}

/** The sandbox's addresses, the node's family first; the node's own on its network; the last known once it is gone. */
function podIps(pod: Pod, view: PodView, previous: PodStatus, hostIps: readonly string[]): string[] {
  if (pod.spec.hostNetwork) return previous.podIPs?.map(({ ip }) => ip) ?? [...hostIps];
  const ips = podIpsOf(view);
  const ipv6First = isIPv6(hostIps[0] ?? '');
  const pick = (ipv6: boolean) => ips.find((ip) => isIPv6(ip) === ipv6);
  const sorted = [pick(ipv6First), pick(!ipv6First)].filter((ip) => ip !== undefined);
  if (sorted.length > 0) return sorted;
  const ended = isTerminalPhase(previous.phase) || pod.metadata.deletionTimestamp;
  return ended ? (previous.podIPs ?? []).map(({ ip }) => ip) : [];
}

/** A condition's time is that of its last change of status. Conditions of others are as the API has them. */
function withTimes(conditions: PodCondition[], pod: Pod, previous: PodStatus, nowMs: number): PodCondition[] {
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !nodeConditionTypes.includes(type));
  const timed = conditions.map((condition) => {
    const before = previous.conditions?.find(({ type }) => type === condition.type);
    const unchanged = before?.status === condition.status && before.lastTransitionTime !== undefined;
    return { ...condition, lastTransitionTime: unchanged ? before.lastTransitionTime : rfc3339(nowMs) };
  });
  return [...others, ...timed];
}
