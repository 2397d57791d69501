import type { Taint, Toleration } from '../../../lib/api/gen/types.ts';

/** Whether a toleration covers a taint (Taints and Tolerations). */
function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return operator === 'Equal' && key !== undefined && key !== '' && value === (taint.value ?? '');
}

/**
 * For how many seconds a pod may stay beside these taints: 0 when one of them is not tolerated, Infinity when none
 * limits the time, else the shortest of the tolerations that are used.
 */
export function toleratedSeconds(tolerations: readonly Toleration[], taints: readonly Taint[]): number {
  let seconds = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const covering = tolerations.filter((toleration) => tolerates(toleration, taint));
    const used = covering[0];
    if (!used) return 0;
    for (const { tolerationSeconds } of covering) {
      if (tolerationSeconds !== undefined) seconds = Math.min(seconds, Math.max(0, tolerationSeconds));
    }
  }
  return seconds;
}
