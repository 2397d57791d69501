/** One cluster from `cdk bootstrap` to `cdk destroy`, in order: each step goes on from what the one before it left. */
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { cluster, deploy, end, soon, step, stopNodes } from './steps/cluster.ts';
import { cost } from './steps/cost.ts';
import { diagnosis } from './steps/doctor.ts';
import { faults } from './steps/faults.ts';
import { quiet } from './steps/queues.ts';
import { scale } from './steps/scale.ts';
import { store } from './steps/store.ts';
import { tour } from './steps/tour.ts';

/** Longer than a watch lasts whose client has gone. */
const watchEndsMs = 8_000;

/** Resolves once the API server has nothing under way: the emulator makes the log of what ends later anew. */
async function unasked(): Promise<void> {
  const { calls } = cluster();
  const log = (await calls.logGroups()).find((name) => name.includes('ApiServerLog'));
  if (!log) throw new Error('the API server has no log');
  await soon('the last answer', async () => (await calls.logOf(log, Date.now() - watchEndsMs)).length === 0);
}

beforeAll(deploy, 900_000);
afterAll(end, 120_000);

describe('a cluster on an emulator of AWS', () => {
  tour();
});

describe('its price', () => {
  cost();
});

describe('doctor', () => {
  diagnosis();
});

describe('faults', () => {
  faults();
});

describe('its store', () => {
  store();
});

describe('scale', () => {
  scale();
});

describe('its end', () => {
  step('no table, queue, function, log or key is left', async () => {
    const { client, outputs, calls, destroy } = cluster();
    await stopNodes();
    await quiet();
    await unasked();
    await destroy();
    const tables = await new DynamoDBClient(client).send(new ListTablesCommand({}));
    expect(tables.TableNames).toEqual([]);
    const queues = await new SQSClient(client).send(new ListQueuesCommand({}));
    expect(queues.QueueUrls ?? []).toEqual([]);
    expect(await calls.functions()).toEqual([]);
    expect(await calls.logGroups()).toEqual([]);
    const keys = await new SSMClient(client).send(new GetParametersByPathCommand({ Path: outputs.keysPath }));
    expect(keys.Parameters).toEqual([]);
  });
});
