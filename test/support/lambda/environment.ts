import { SSMClient } from '@aws-sdk/client-ssm';
import { openControlPlane } from '../../../functions/lambda/control-plane.ts';
import { readSettings } from '../../../functions/lambda/settings.ts';
import { ensureKeys } from '../../../functions/setup/keys.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createSqsClient } from '../../../lib/queue/sqs/index.ts';
import { createDynamoClient, ensureTable } from '../../../lib/store/dynamodb/index.ts';
import { createQueues, type Queues } from '../queue/sqs.ts';

/**
 * What a stack gives its functions, on an emulator with `dynamodb`, `sqs` and `ssm`: a table with what every cluster has, queues
 * and keys, and the environment that names them, which this process gets too. Entries are imported after that.
 */
export async function prepareFunctions(
  endpoint: string,
  name: string,
): Promise<{ environment: Record<string, string>; queues: Queues }> {
  const access = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  Object.assign(process.env, access);
  await ensureTable(createDynamoClient({}), name);
  const queues = await createQueues(createSqsClient({}), name);
  const keysPath = `/kumulus/${name}/keys`;
  await ensureKeys(new SSMClient({}), keysPath, systemClock);
  const settings = {
    KUMULUS_CLUSTER: name,
    KUMULUS_TABLE: name,
    KUMULUS_KEYS_PATH: keysPath,
    KUMULUS_WORK_QUEUE_URL: queues.work,
    KUMULUS_SCHEDULER_QUEUE_URL: queues.work,
    KUMULUS_DELAY_QUEUE_URL: queues.delays,
    KUMULUS_DEAD_LETTER_QUEUE_URL: queues.dead,
    KUMULUS_SERVICE_CIDR: '10.96.0.0/16',
    KUMULUS_CLUSTER_CIDR: '10.244.0.0/16',
    KUMULUS_NODE_PORT_RANGE: '30000-32767',
    KUMULUS_ISSUER: 'https://kubernetes.default.svc',
    KUMULUS_NODE_TOPIC_ARN: 'arn:aws:sns:us-east-1:000000000000:nodes',
    KUMULUS_NODE_ROLE_ARN: 'arn:aws:iam::000000000000:role/node',
    KUMULUS_NODE_ROLE_ID: 'AROAEXAMPLE',
    KUMULUS_ADVERTISE: '192.0.2.1:443',
    KUMULUS_LOG_LEVEL: 'error',
  };
  Object.assign(process.env, settings);
  const { server } = await openControlPlane(readSettings(process.env), silentLogger);
  await server.keepHouse();
  await server.close();
  return { environment: { ...access, ...settings }, queues };
}
