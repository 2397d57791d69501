import type { Pod, PodCondition } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { pods } from '../../../lib/client/resources.ts';
import { type Clock, rfc3339 } from '../../../lib/clock.ts';
import { isKind } from '../../../lib/errors.ts';
import { isPodTerminal, podCondition } from './pods.ts';

export interface Disruption {
  reason: string;
  message: string;
  /** Says of a pod that nobody runs any more that it failed. */
  fail?: boolean;
  gracePeriodSeconds?: number;
}

/** Deletes a pod after saying on it why (KEP-3329). One that is gone already is as good as deleted. */
export async function disruptPod(
  { client, clock }: { client: KubeClient; clock: Clock },
  pod: Persisted<Pod>,
  { reason, message, fail, gracePeriodSeconds }: Disruption,
): Promise<void> {
  const { namespace, name, uid } = pod.metadata;
  const mustFail = fail && !isPodTerminal(pod);
  const marked = podCondition(pod, 'DisruptionTarget');
  try {
    if (mustFail || (marked?.reason !== reason && !isPodTerminal(pod))) {
      const condition: PodCondition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason,
        message,
        lastTransitionTime: rfc3339(clock.now()),
      };
      const status = { conditions: [condition], ...(mustFail && { phase: 'Failed' }) };
      const patch = { metadata: { uid }, status };
      await client.patch(pods, { namespace, name }, { type: 'strategic', patch }, { subresource: 'status' });
    }
    await client.delete(pods, { namespace, name }, { gracePeriodSeconds, preconditions: { uid } });
  } catch (error) {
    if (!isKind(error, 'NotFound', 'Conflict')) throw error;
  }
}
