import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { keyNames } from '../../functions/lambda/keys.ts';
import type { StackOutputs } from './stack.ts';

/** PEM of the certificate of the cluster's authority, which is no secret. */
export async function clusterCaOf({ keysPath, region }: StackOutputs): Promise<string> {
  const client = new SSMClient({ region });
  try {
    const name = `${keysPath}/${keyNames.caCertificate}`;
    const { Parameter: parameter } = await client.send(
      new GetParameterCommand({ Name: name, WithDecryption: true }),
    );
    if (!parameter?.Value) throw new Error(`parameter ${name} is empty: deploy the stack again`);
    return parameter.Value;
  } finally {
    client.destroy();
  }
}
