import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { EC2Client } from '@aws-sdk/client-ec2';
import { SNSClient } from '@aws-sdk/client-sns';
import { createSqsClient } from '../../../lib/queue/sqs/index.ts';
import type { LambdaSettings } from '../../lambda/settings.ts';
import { autoScalingGroups } from './drain/autoscaling.ts';
import type { Cloud } from './index.ts';
import { ec2Instances } from './instances/ec2.ts';
import { sqsNodeQueues } from './node-queue/sqs.ts';
import { ec2Routes } from './routes/ec2.ts';

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
  const ec2 = new EC2Client({});
  return {
    queues,
    machines: {
      instances: ec2Instances(ec2),
      groups: autoScalingGroups(new AutoScalingClient({})),
      routes: ec2Routes(ec2, routeTableIds),
    },
  };
}
