import { Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { KumulusFunction } from './function.ts';
import type { NodeNetwork } from './node-network.ts';

/** On the group, and on each of its machines: whose they are. */
export const clusterTag = 'kumulus.dev/cluster';

/** What the cloud controllers do with machines, groups and routes of this cluster, and of no other. */
export function grantMachines(options: {
  controllers: KumulusFunction;
  events: KumulusFunction | undefined;
  network: NodeNetwork;
  cluster: string;
}): void {
  const { controllers, events, network, cluster } = options;
  const stack = Stack.of(controllers);
  const arn = (service: string, resource: string, resourceName: string) =>
    stack.formatArn({ service, resource, resourceName });
  const allow = (to: KumulusFunction, statement: iam.PolicyStatementProps) =>
    to.function.addToRolePolicy(new iam.PolicyStatement(statement));

  // Which instances and tables there are is asked of EC2 as a whole (Service Authorization Reference, Amazon EC2).
  allow(controllers, {
    actions: ['ec2:DescribeInstances', 'ec2:DescribeRouteTables'],
    resources: ['*'],
  });
  allow(controllers, {
    actions: ['ec2:CreateRoute', 'ec2:DeleteRoute', 'ec2:ReplaceRoute'],
    resources: network.routeTableIds.map((id) => arn('ec2', 'route-table', id)),
  });
  allow(controllers, {
    actions: ['ec2:ModifyInstanceAttribute'],
    resources: [arn('ec2', 'instance', '*')],
    conditions: {
      StringEquals: { [`ec2:ResourceTag/${clusterTag}`]: cluster, 'ec2:Attribute': 'SourceDestCheck' },
    },
  });
  const groups = `autoScalingGroup:*:autoScalingGroupName/*`;
  for (const to of events ? [controllers, events] : [controllers]) {
    allow(to, {
      actions: ['autoscaling:CompleteLifecycleAction'],
      resources: [`arn:${stack.partition}:autoscaling:${stack.region}:${stack.account}:${groups}`],
      conditions: { StringEquals: { [`autoscaling:ResourceTag/${clusterTag}`]: cluster } },
    });
    Validations.of(to).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>:${groups}]`,
      reason:
        'only groups with this cluster’s tag; their names are not known before they know of the function',
    });
  }
  Validations.of(controllers).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:instance/*]',
    reason: 'only instances with this cluster’s tag, and only one attribute of them; instances come and go',
  });
}
