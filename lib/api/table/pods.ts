import type { ContainerStatus, Pod, PodStatus } from '../gen/types.ts';
import { humanDuration } from './duration.ts';
import {
  age,
  type Cell,
  column,
  type KindTable,
  nameColumn,
  ageColumn,
  nameOf,
  type RowCondition,
  tableOf,
  wide,
} from './kind-table.ts';

export const podTable: KindTable = tableOf<Pod>(
  [
    nameColumn,
    column('Ready', 'The aggregate readiness state of this pod for accepting traffic.'),
    column('Status', 'The aggregate status of the containers in this pod.'),
    column(
      'Restarts',
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    ),
    ageColumn,
    column('IP', 'The address allocated to the pod, once there is one.', wide),
    column('Node', 'The node that the pod was assigned to.', wide),
    column('Nominated Node', 'The node that the pod waits for while others are preempted there.', wide),
    column('Readiness Gates', 'How many of the additional conditions for readiness are true.', wide),
  ],
  podCells,
  completed,
);

function podCells(pod: Pod, now: number): Cell[] {
  const { ready, total, reason, restarts, lastRestart } = summarize(pod);
  const ago = restarts !== 0 && lastRestart > 0 ? ` (${humanDuration(now - lastRestart)} ago)` : '';
  return [
    nameOf(pod),
    `${ready}/${total}`,
    reason,
    `${restarts}${ago}`,
    age(pod, now),
    pod.status?.podIPs?.[0]?.ip || '<none>',
    pod.spec.nodeName || '<none>',
    pod.status?.nominatedNodeName || '<none>',
    readinessGates(pod),
  ];
}

interface Summary {
  ready: number;
  total: number;
  reason: string;
  restarts: number;
  /** Milliseconds since the epoch; 0 when none is known. */
  lastRestart: number;
}

/** What one word says of all containers of a pod, and what they have been through. */
function summarize(pod: Pod): Summary {
  const { status = {}, spec } = pod;
  const sidecars = new Set(
    spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  const summary: Summary = {
    ready: 0,
    total: spec.containers.length + sidecars.size,
    reason: firstReason(status),
    restarts: 0,
    lastRestart: 0,
  };
  const sidecarRestarts = { restarts: 0, lastRestart: 0 };
  const initializing = summarizeInit(pod, sidecars, summary, sidecarRestarts);
  if (!initializing || hasCondition(status, 'Initialized')) {
    Object.assign(summary, sidecarRestarts);
    summarizeContainers(status, summary);
  }
  if (pod.metadata.deletionTimestamp) {
    const ended = status.phase === 'Succeeded' || status.phase === 'Failed';
    if (status.reason === 'NodeLost') summary.reason = 'Unknown';
    else if (!ended) summary.reason = 'Terminating';
  }
  return summary;
}

function firstReason(status: PodStatus): string {
  const gated = status.conditions?.some(
    ({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated',
  );
  return gated ? 'SchedulingGated' : status.reason || (status.phase ?? '');
}

/** Whether an init container is still in the way; the first such decides the reason. */
function summarizeInit(
  { status, spec }: Pod,
  sidecars: ReadonlySet<string>,
  summary: Summary,
  sidecarRestarts: { restarts: number; lastRestart: number },
): boolean {
  const statuses = status?.initContainerStatuses ?? [];
  for (const [index, container] of statuses.entries()) {
    const isSidecar = sidecars.has(container.name);
    countRestarts(container, summary);
    if (isSidecar) countRestarts(container, sidecarRestarts);
    const { terminated, waiting } = container.state ?? {};
    if (terminated && (terminated.exitCode ?? 0) === 0) continue;
    if (isSidecar && container.started) {
      if (container.ready) summary.ready++;
      continue;
    }
    if (terminated) summary.reason = `Init:${endReason(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing')
      summary.reason = `Init:${waiting.reason}`;
    else summary.reason = `Init:${index}/${spec.initContainers?.length ?? 0}`;
    return true;
  }
  return false;
}

function summarizeContainers(status: PodStatus, summary: Summary): void {
  let hasRunning = false;
  for (const container of (status.containerStatuses ?? []).toReversed()) {
    countRestarts(container, summary);
    const { terminated, waiting, running } = container.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated) summary.reason = endReason(terminated);
    else if (container.ready && running) {
      hasRunning = true;
      summary.ready++;
    }
  }
  if (summary.reason === 'Completed' && hasRunning) {
    summary.reason = hasCondition(status, 'Ready') ? 'Running' : 'NotReady';
  }
}

function endReason({
  reason,
  signal,
  exitCode,
}: {
  reason?: string;
  signal?: number;
  exitCode?: number;
}): string {
  if (reason) return reason;
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`;
}

function countRestarts(container: ContainerStatus, into: { restarts: number; lastRestart: number }): void {
  into.restarts += container.restartCount ?? 0;
  const ended = container.lastState?.terminated?.finishedAt;
  if (ended) into.lastRestart = Math.max(into.lastRestart, Date.parse(ended) || 0);
}

function hasCondition(status: PodStatus, type: string): boolean {
  return status.conditions?.find((condition) => condition.type === type)?.status === 'True';
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const met = gates.filter(({ conditionType }) => hasCondition(status ?? {}, conditionType));
  return `${met.length}/${gates.length}`;
}

function completed({ status }: Pod): RowCondition[] | undefined {
  const phase = status?.phase;
  if (phase !== 'Succeeded' && phase !== 'Failed') return undefined;
  const message = phase === 'Succeeded' ? 'The pod has completed successfully.' : 'The pod failed.';
  return [{ type: 'Completed', status: 'True', reason: phase, message }];
}
