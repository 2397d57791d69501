import type { NodeCondition } from '../../lib/api/gen/types.ts';
import { rfc3339 } from '../../lib/clock.ts';
import type { Pressure } from './pressure.ts';

/** What stands between the node and being ready, in kubelet's words; empty when nothing does. */
export type NotReadyReasons = readonly string[];

/** The node's conditions in kubelet's order. A transition time is kept as long as the status is the same. */
export function nodeConditions(
  pressure: Pressure,
  problems: NotReadyReasons,
  previous: readonly NodeCondition[],
  nowMs: number,
): NodeCondition[] {
  const now = rfc3339(nowMs);
  const condition = (
    type: string,
    status: 'True' | 'False',
    reason: string,
    message: string,
  ): NodeCondition => {
    const before = previous.find((candidate) => candidate.type === type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
    return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message };
  };
  return [
    pressure.memory
      ? condition(
          'MemoryPressure',
          'True',
          'KubeletHasInsufficientMemory',
          'kubelet has insufficient memory available',
        )
      : condition(
          'MemoryPressure',
          'False',
          'KubeletHasSufficientMemory',
          'kubelet has sufficient memory available',
        ),
    pressure.disk
      ? condition('DiskPressure', 'True', 'KubeletHasDiskPressure', 'kubelet has disk pressure')
      : condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    problems.length === 0
      ? condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')
      : condition('Ready', 'False', 'KubeletNotReady', goList(problems)),
  ];
}

/** An aggregate of errors as Go prints it: one as it is, several in brackets. */
function goList(problems: NotReadyReasons): string {
  return problems.length === 1 ? (problems[0] as string) : `[${problems.join(', ')}]`;
}
