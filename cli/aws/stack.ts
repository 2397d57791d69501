import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';

/** What a stack's outputs say. */
export interface StackOutputs {
  endpoint: string;
  /** Where streams are served too; absent: the stack has no edge. */
  edgeEndpoint?: string;
  adminRoleArn: string;
  nodeRoleArn: string;
  tableName: string;
  workQueueUrl: string;
  schedulerQueueUrl: string;
  delayQueueUrl: string;
  deadLetterQueueUrl: string;
  undeliveredQueueUrl: string;
  dispatchFunctionName: string;
  dispatchLogGroup: string;
  keysPath: string;
  clusterCidr: string;
  serviceCidr: string;
  clusterDns: string;
  region: string;
}

/** @throws Error that says what is wrong with the stack, or that there is none. */
export async function describeStack(name: string, region?: string): Promise<StackOutputs> {
  const client = new CloudFormationClient({ region });
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = new Map(stack?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
    const output = (key: string): string => {
      const value = outputs.get(key);
      if (!value)
        throw new Error(
          `stack ${name} (${stack?.StackStatus ?? 'unknown'}) has no output ${key}: is it one of Kumulus?`,
        );
      return value;
    };
    return {
      endpoint: output('Endpoint'),
      ...(outputs.has('EdgeEndpoint') && { edgeEndpoint: output('EdgeEndpoint') }),
      adminRoleArn: output('AdminRoleArn'),
      nodeRoleArn: output('NodeRoleArn'),
      tableName: output('TableName'),
      workQueueUrl: output('WorkQueueUrl'),
      schedulerQueueUrl: output('SchedulerQueueUrl'),
      delayQueueUrl: output('DelayQueueUrl'),
      deadLetterQueueUrl: output('DeadLetterQueueUrl'),
      undeliveredQueueUrl: output('UndeliveredQueueUrl'),
      dispatchFunctionName: output('DispatchFunctionName'),
      dispatchLogGroup: output('DispatchLogGroup'),
      keysPath: output('KeysPath'),
      clusterCidr: output('ClusterCidr'),
      serviceCidr: output('ServiceCidr'),
      clusterDns: output('ClusterDns'),
      region: await client.config.region(),
    };
  } finally {
    client.destroy();
  }
}

/**
 * Where the API is reached from here: an emulator cannot be called by the names of AWS, and serves REST APIs below a path
 * of its own that LocalStack and MiniStack have in common.
 */
export function reachableEndpoint(endpoint: string, emulator: string | undefined): string {
  const url = new URL(endpoint);
  const [, api] = /^([^.]+)\.execute-api\./.exec(url.hostname) ?? [];
  if (!emulator || !api) return endpoint.replace(/\/$/, '');
  const stage = url.pathname.split('/')[1] ?? '';
  return `${emulator.replace(/\/$/, '')}/restapis/${api}/${stage}/_user_request_`;
}

/** What kubectl is given: the edge, where there is one, for it serves all that the endpoint does. Emulators bring nobody there. */
export function serverOf(
  { endpoint, edgeEndpoint }: Pick<StackOutputs, 'endpoint' | 'edgeEndpoint'>,
  emulator: string | undefined,
): string {
  return reachableEndpoint(emulator ? endpoint : (edgeEndpoint ?? endpoint), emulator);
}
