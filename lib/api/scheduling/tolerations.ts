import type { Taint, Toleration } from '../gen/types.ts';

/**
 * Whether the toleration covers the taint (API reference, Toleration): an empty effect covers every effect, an empty
 * key with `Exists` every key.
 */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator || 'Equal') {
    case 'Exists':
      return true;
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '') && Boolean(toleration.key);
    default:
      return false;
  }
}

/** The first taint of those asked for that no toleration covers. */
export function untoleratedTaint(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  isOfInterest: (taint: Taint) => boolean,
): Taint | undefined {
  return taints.find(
    (taint) => isOfInterest(taint) && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

export const keepsPodsAway = (taint: Taint): boolean =>
  taint.effect === 'NoSchedule' || taint.effect === 'NoExecute';
