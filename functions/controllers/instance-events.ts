/**
 * The function that EventBridge tells of machines that are about to go: writes on the Node that it has to be emptied, and
 * by when. What follows is the drain controller's, so that nothing is lost when this function is killed.
 */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { createInProcessClient } from '../../lib/client/in-process.ts';
import { nodes } from '../../lib/client/resources.ts';
import { rfc3339, systemClock } from '../../lib/clock.ts';
import { isKind } from '../../lib/errors.ts';
import { openControlPlane } from '../lambda/control-plane.ts';
import { onDemandPollMs } from '../lambda/freshness.ts';
import { lambdaHandler, lambdaLogger } from '../lambda/invocation.ts';
import { readSettings } from '../lambda/settings.ts';
import { Warm } from '../lambda/warm.ts';
import { autoScalingGroups } from './cloud/drain/autoscaling.ts';
import { drainRequestOf, type InstanceEvent } from './cloud/drain/event.ts';
import { drainAnnotation } from './cloud/drain/request.ts';

const settings = readSettings(process.env);
const log = lambdaLogger('instance-events', settings);
const groups = autoScalingGroups(new AutoScalingClient({}));
const drainTimeoutMs = Number(process.env.KUMULUS_DRAIN_TIMEOUT_SECONDS ?? 300) * 1000;

/** All that is kept between invocations: an API server. */
const warm = new Warm(async () => {
  const { server } = await openControlPlane(settings, log, { pollMs: onDemandPollMs });
  return createInProcessClient(server.handle, {
    username: 'system:serviceaccount:kube-system:node-drain-controller',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
  });
});

export const handler = lambdaHandler<InstanceEvent, void>({
  name: 'instance-events',
  settings,
  log,
  async run(event, { metrics }) {
    const found = drainRequestOf(event, drainTimeoutMs);
    if (!found) {
      metrics.count('Malformed');
      log.error({ detailType: event?.['detail-type'] }, 'malformed event: dropped');
      return;
    }
    const { instanceId, deadlineMs, action } = found;
    const client = await warm.get();
    const request = JSON.stringify({ deadline: rfc3339(deadlineMs), action });
    try {
      const patch = { metadata: { annotations: { [drainAnnotation]: request } } };
      await client.patch(nodes, { name: instanceId }, { type: 'merge', patch });
      log.info({ node: instanceId, deadline: rfc3339(deadlineMs) }, 'to be emptied');
      metrics.count('Drains');
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
      // It never became a node: there is nothing to wait for.
      if (action) await groups.complete(action);
      log.info({ node: instanceId, at: rfc3339(systemClock.now()) }, 'is no node');
    }
  },
});
