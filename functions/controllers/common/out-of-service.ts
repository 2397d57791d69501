import type { Node } from '../../../lib/api/gen/types.ts';

/** Whether somebody vouches that the node is shut down and will not come back by itself (KEP-2268). */
export function isOutOfService({ spec }: Node): boolean {
  return spec?.taints?.some((taint) => taint.key === 'node.kubernetes.io/out-of-service') ?? false;
}
