/** What of AWS the commands need: credentials and endpoints come from where every AWS tool has them. */
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Option } from 'commander';
import { userInfo } from 'node:os';
import type { Credentials } from '../../lib/aws/iam-token.ts';

export const stackOption = () =>
  new Option('--stack <name>', 'the CloudFormation stack of a cluster on AWS').env('KUMULUS_STACK');
export const regionOption = () =>
  new Option('--region <region>', 'the stack’s region; default: that of the environment or profile');
export const roleOption = () =>
  new Option('--role <arn>', 'the IAM role to be in the cluster; default: the stack’s administrator role');

/** For services that are no AWS: `AWS_ENDPOINT_URL`, or that of STS alone. */
export function stsUrlOf(env: NodeJS.ProcessEnv): string | undefined {
  return env.AWS_ENDPOINT_URL_STS ?? env.AWS_ENDPOINT_URL;
}

/** The credentials of the environment or profile, or those of a session of the role. */
export async function credentialsFor(options: {
  region?: string;
  role?: string;
}): Promise<{ credentials: Credentials; region: string }> {
  const client = new STSClient({ region: options.region });
  try {
    const region = await client.config.region();
    if (!options.role) return { credentials: await client.config.credentials(), region };
    const { Credentials: session } = await client.send(
      new AssumeRoleCommand({ RoleArn: options.role, RoleSessionName: sessionName() }),
    );
    const {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
    } = session ?? {};
    if (!accessKeyId || !secretAccessKey) throw new Error(`STS gave no credentials of ${options.role}`);
    return { credentials: { accessKeyId, secretAccessKey, sessionToken }, region };
  } finally {
    client.destroy();
  }
}

/** Seen in the cluster as the user's name, and in CloudTrail. */
function sessionName(): string {
  const name = process.env.KUMULUS_SESSION_NAME ?? userInfo().username;
  return name.replaceAll(/[^\w+=,.@-]/g, '-').slice(0, 64) || 'kumulus';
}
