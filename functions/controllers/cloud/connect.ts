import { SNSClient } from '@aws-sdk/client-sns';
import { loadedOnCall } from '../../../lib/lazy.ts';
import { createSqsClient } from '../../../lib/queue/sqs/index.ts';
import type { LambdaSettings } from '../../lambda/settings.ts';
import type { Cloud } from './index.ts';
import { sqsNodeQueues } from './node-queue/sqs.ts';

/** AWS, with the region and credentials of the environment. */
export function connectCloud({ cluster, nodes, routeTableIds }: LambdaSettings): Cloud {
  const queues = sqsNodeQueues({
    sqs: createSqsClient({}),
    sns: new SNSClient({}),
    cluster,
    topicArn: nodes.topicArn,
    nodeRole: { arn: nodes.roleArn, id: nodes.roleId },
  });
  if (routeTableIds.length === 0) return { queues };
  // The clients of these services are larger than all controllers, and hardly any work needs them.
  const machines = () => import('./machines.ts');
  return {
    queues,
    machines: {
      instances: loadedOnCall(async () => (await machines()).connectInstances()),
      groups: loadedOnCall(async () => (await machines()).connectGroups()),
      routes: loadedOnCall(async () => (await machines()).connectRoutes(routeTableIds)),
    },
  };
}
