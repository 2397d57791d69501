import type { DeleteOptions, Pod } from '../../../../lib/api/gen/types.ts';
import type { AnyObject } from '../strategy.ts';

/** How long the kubelet may take to stop the pod; 0 where there is nobody to wait for. */
export function podGracePeriodSeconds(object: AnyObject, options: DeleteOptions): number {
  const pod = object as unknown as Pod;
  const seconds = options.gracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
  // Nobody would ever finish it: it is on no node, or it has finished already.
  if (!pod.spec?.nodeName || pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return 0;
  return seconds < 0 ? 1 : seconds;
}
