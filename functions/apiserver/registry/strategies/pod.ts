import type { Container, Pod } from '../../../../lib/api/gen/types.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { compareQuantities, parseQuantity } from './quantities.ts';
import type { AnyObject, Strategy } from '../strategy.ts';

export function podStrategy(base: Strategy): Strategy {
  return {
    ...base,
    prepareForCreate(object, nowMs) {
      const pod = object as unknown as Pod;
      const gates = pod.spec?.schedulingGates ?? [];
      object.status = {
        phase: 'Pending',
        qosClass: qosClass(pod),
        ...(gates.length > 0 && {
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              lastProbeTime: null,
              lastTransitionTime: rfc3339(nowMs),
              reason: 'SchedulingGated',
              message: 'Scheduling is blocked due to non-empty scheduling gates',
            },
          ],
        }),
      };
    },
    prepareForStatusUpdate(next, current) {
      next.spec = current.spec ?? {};
      next.metadata.ownerReferences = current.metadata.ownerReferences;
      // A class once given stays: a kubelet that sends none does not take it away.
      const status = (next.status ??= {});
      status.qosClass ??= current.status?.qosClass ?? qosClass(current as unknown as Pod);
    },
    gracePeriodSeconds(object, options) {
      const pod = object as unknown as Pod;
      let seconds = options.gracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
      // Nobody would ever finish it: it is on no node, or it has finished already.
      if (!pod.spec?.nodeName || pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') seconds = 0;
      return seconds < 0 ? 1 : seconds;
    },
  };
}

/** API reference, "Pod Quality of Service Classes". */
export function qosClass(pod: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers: Container[] = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const resources = ['cpu', 'memory'];
  let any = false;
  let guaranteed = containers.length > 0;
  for (const { resources: asked } of containers) {
    for (const name of resources) {
      const limit = positive(asked?.limits?.[name]);
      const request = positive(asked?.requests?.[name]) ?? limit;
      if (limit !== undefined || request !== undefined) any = true;
      if (limit === undefined || request === undefined || compareQuantities(limit, request) !== 0) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function positive(quantity: string | undefined): string | undefined {
  return quantity !== undefined && parseQuantity(quantity) ? quantity : undefined;
}

export function isPod(object: AnyObject): boolean {
  return object.kind === 'Pod';
}
