import type { ContainerStatus, Pod, PodCondition } from '../../lib/api/gen/types.ts';
import { sandboxChange } from './actions.ts';
import { hasAnyContainerStarted, type PodPhase } from './phase.ts';
import { isRestartableInit } from './restart-policy.ts';
import type { PodView } from './runtime-view.ts';

/** The conditions that the node sets; every other one belongs to somebody else and is left as it is. */
export const nodeConditionTypes: readonly string[] = [
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
];

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;

const yes: Verdict = { status: 'True' };
const no = (reason: string, message?: string): Verdict => ({ status: 'False', reason, message });

/** The node's conditions, in kubelet's order, without times. `statuses` are those of init and of other containers. */
export function podConditions(
  pod: Pod,
  statuses: readonly ContainerStatus[],
  phase: PodPhase,
  view: PodView,
): PodCondition[] {
  const containersReady = allReady(pod, statuses, phase);
  const condition = (type: string, verdict: Verdict): PodCondition => ({
    type,
    ...verdict,
    observedGeneration: pod.metadata.generation,
  });
  return [
    condition('PodReadyToStartContainers', sandboxChange(pod, view).create ? { status: 'False' } : yes),
    condition('Initialized', initialized(pod, statuses, phase)),
    condition('Ready', ready(pod, containersReady)),
    condition('ContainersReady', containersReady),
    condition('PodScheduled', yes),
  ];
}

function allReady(pod: Pod, statuses: readonly ContainerStatus[], phase: PodPhase): Verdict {
  const unknown: string[] = [];
  const unready: string[] = [];
  const expected = [...(pod.spec.initContainers ?? []).filter(isRestartableInit), ...pod.spec.containers];
  for (const { name } of expected) {
    const status = statuses.find((candidate) => candidate.name === name);
    if (!status) unknown.push(name);
    else if (!status.ready) unready.push(name);
  }
  if (phase === 'Succeeded' && unknown.length === 0) return no('PodCompleted');
  if (phase === 'Failed') return no('PodFailed');
  const message = listed('unknown', unknown, 'unready', unready);
  return message ? no('ContainersNotReady', message) : yes;
}

function ready(pod: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return containersReady;
  const messages: string[] = [];
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const gate = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (!gate) {
      messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    } else if (gate.status !== 'True') {
      messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`);
    }
  }
  return messages.length > 0 ? no('ReadinessGatesNotReady', messages.join(', ')) : yes;
}

function initialized(pod: Pod, statuses: readonly ContainerStatus[], phase: PodPhase): Verdict {
  const unknown: string[] = [];
  const incomplete: string[] = [];
  for (const container of pod.spec.initContainers ?? []) {
    const status = statuses.find(({ name }) => name === container.name);
    if (!status) unknown.push(container.name);
    else if (!(isRestartableInit(container) ? status.started : status.ready)) incomplete.push(container.name);
  }
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' };
  if (hasAnyContainerStarted(pod, statuses)) return yes;
  const message = listed('unknown', unknown, 'incomplete', incomplete);
  return message ? no('ContainersNotInitialized', message) : yes;
}

/** Lists as Go prints them: `[a b]`. */
function listed(first: string, firstNames: string[], second: string, secondNames: string[]): string {
  return [
    ...(firstNames.length > 0 ? [`containers with ${first} status: [${firstNames.join(' ')}]`] : []),
    ...(secondNames.length > 0 ? [`containers with ${second} status: [${secondNames.join(' ')}]`] : []),
  ].join(', ');
}
