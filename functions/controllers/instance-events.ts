/**
 * The function that EventBridge tells of machines that are about to go: writes on the Node that it has to be emptied, and
 * by when. What follows is the drain controller's, so that nothing is lost when this function is killed.
 */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { createInProcessClient } from '../../lib/client/in-process.ts';
import { nodes } from '../../lib/client/resources.ts';
import { rfc3339, systemClock } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import { openControlPlane } from '../lambda/control-plane.ts';
import { onDemandPollMs } from '../lambda/freshness.ts';
import { lambdaHandler, lambdaLogger } from '../lambda/invocation.ts';
import { openQueue } from '../lambda/queue.ts';
import { readSettings } from '../lambda/settings.ts';
import { Warm } from '../lambda/warm.ts';
import { autoScalingGroups } from './cloud/drain/autoscaling.ts';
import { type InstanceLoss, readInstanceEvent } from './cloud/drain/event.ts';
import { drainAnnotation } from './cloud/drain/request.ts';

const settings = readSettings(process.env);
const log = lambdaLogger('instance-events', settings);
const groups = autoScalingGroups(new AutoScalingClient({}));
const queue = openQueue(settings, () => false);
const drainTimeoutMs = Number(process.env.KUMULUS_DRAIN_TIMEOUT_SECONDS ?? 300) * 1000;

/** All that is kept between invocations: an API server. */
const warm = new Warm(async () => {
  const { server } = await openControlPlane(settings, log, { pollMs: onDemandPollMs });
  return createInProcessClient(server.handle, {
    username: 'system:serviceaccount:kube-system:node-drain-controller',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
  });
});

/** A message of SQS holds 256 KiB, whatever came in the event's place. */
const mostBuried = 60_000;
const mostReason = 1_000;

export const handler = lambdaHandler<unknown, void>({
  name: 'instance-events',
  settings,
  log,
  async run(event, { metrics }) {
    let found: InstanceLoss;
    try {
      found = readInstanceEvent(event, drainTimeoutMs);
    } catch (error) {
      metrics.count('Malformed');
      const reason = messageOf(error).slice(0, mostReason);
      log.error({ reason }, 'malformed event: a dead letter');
      const malformedEvent = JSON.stringify(event ?? null).slice(0, mostBuried);
      return queue.bury(JSON.stringify({ malformedEvent, error: reason }), 'malformed');
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
