/** What goes wrong on the way from a change to a reconcile, and what becomes of it. */
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import { processesOf } from '../../support/aws/emulator.ts';
import { adminToken, cluster, doctor, functionNamed, newNamespace, soon, step } from './cluster.ts';
import { countsOf, purge, quiet, send, setVisibilityTimeout } from './queues.ts';

export function faults(): void {
  step('a function that is killed in the middle of a batch loses none of it', async () => {
    const { outputs, kubectl } = cluster();
    await quiet();
    await setVisibilityTimeout(outputs.workQueueUrl, 10);
    const victims = processesOf(await functionNamed('Controllers'));
    expect(victims).not.toEqual([]);
    for (const pid of victims) process.kill(pid, 'SIGSTOP');
    try {
      await kubectl('create namespace killed');
      await soon('a batch in its hands', async () => (await countsOf(outputs.workQueueUrl)).inFlight > 0);
    } finally {
      for (const pid of victims) process.kill(pid, 'SIGKILL');
    }
    await soon('its service account', () => kubectl('get serviceaccount default -n killed'));
    await soon('its root certificate', () => kubectl('get configmap kube-root-ca.crt -n killed'));
    await setVisibilityTimeout(outputs.workQueueUrl, 120);
  });

  step('stream records that come twice, late and in reverse change nothing', async () => {
    const { calls, kubectl } = cluster();
    await quiet();
    const state = () =>
      kubectl(
        'get deployments,replicasets,pods,serviceaccounts -A -o jsonpath={range.items[*]}{.kind}/{.metadata.name}/{.metadata.uid};{end}',
      );
    const before = await state();
    const records = [...(await logOf('apps/deployments')), ...(await logOf('apps/replicasets'))];
    expect(records.length).toBeGreaterThan(4);
    const answer = await calls.invoke(await functionNamed('Dispatch'), {
      Records: [...records, ...records].reverse(),
    });
    expect(answer).toEqual({ batchItemFailures: [] });
    await quiet();
    expect((await state()).split(';').sort()).toEqual(before.split(';').sort());
  });

  step('what cannot be read is counted and a dead letter, wherever it came from', async () => {
    const { calls, outputs } = cluster();
    const sinceMs = Date.now();
    expect((await doctor()).filter(({ state }) => state === 'bad')).toEqual([]);
    await send(outputs.workQueueUrl, '{"controller":"replicaset"}');
    await send(outputs.schedulerQueueUrl, 'neither JSON nor anything else');
    await send(outputs.delayQueueUrl, '{"key":"default/late"}');
    const [record] = await logOf('apps/deployments');
    const { pk } = record?.dynamodb.NewImage ?? {};
    await calls.invoke(await functionNamed('Dispatch'), {
      Records: [
        { eventName: 'INSERT', eventID: 'unreadable', dynamodb: { NewImage: { pk, sk: { S: 'x' } } } },
      ],
    });
    const found = await soon('four dead letters that doctor shows', async () =>
      (await doctor()).find(({ about, found: text }) => about === 'dead letters' && text.startsWith('4 ')),
    );
    expect(found).toMatchObject({ state: 'bad', remedy: expect.stringContaining('--redrive') });
    for (const text of ['{"controller":"replicaset"}', 'neither JSON', 'default/late', 'unreadable'])
      expect(found.found).toContain(text);
    for (const name of ['Controllers', 'Scheduler', 'Delays', 'Dispatch']) {
      const group = (await calls.logGroups()).find((one) => one.includes(`ControlPlane${name}Log`));
      const counted = (await calls.logOf(group ?? '', sinceMs - 1_000)).filter((line) =>
        /"Metrics":\[\{"Name":"Malformed"/.test(line),
      );
      expect([name, counted.length]).toEqual([name, 1]);
    }
    // They hold up nobody: the next change goes its way.
    await newNamespace('after-poison');
    const output = await cluster().kumulus(['doctor', '--stack', cluster().name, '--redrive']);
    expect(output).toContain('4 that nobody can read were dropped');
  });

  step('work that fails each time ends with the dead letters, and is done once that is mended', async () => {
    const { kubectl, outputs } = cluster();
    await newNamespace('full');
    await kubectl('create quota none -n full --hard=pods=0');
    await soon(
      'the quota in force',
      async () => (await kubectl('get quota none -n full -o jsonpath={.status.hard.pods}')) === '0',
    );
    await kubectl('create deployment web -n full --image=hello:1.0');
    await soon('a refused pod', async () =>
      (await kubectl('get replicasets -n full -o jsonpath={.items[*].status.conditions[*].reason}')).includes(
        'FailedCreate',
      ),
    );
    const name = (await kubectl('get replicasets -n full -o jsonpath={.items[0].metadata.name}')).trim();
    // The tries by itself would take minutes: they are lost, and the last one is put into the queue.
    await soon('no more tries by itself', async () => {
      await purge(outputs.delayQueueUrl);
      await quiet();
      const { visible, inFlight } = await countsOf(outputs.delayQueueUrl);
      return visible + inFlight === 0;
    });
    await send(
      outputs.workQueueUrl,
      JSON.stringify({ controller: 'replicaset', key: `full/${name}`, failures: 14 }),
    );
    const found = await soon('a dead letter', async () =>
      (await doctor()).find(({ about, state }) => about === 'dead letters' && state === 'bad'),
    );
    expect(found.found).toContain('exceeded quota: none');
    expect(await kubectl('get pods -n full -o name')).toBe('');
    await kubectl('delete quota none -n full');
    await cluster().kumulus(['doctor', '--stack', cluster().name, '--redrive']);
    await soon('the pod', async () => (await kubectl('get pods -n full -o name')).startsWith('pod/web-'));
    const healthy = await doctor();
    expect(healthy.filter(({ state }) => state === 'bad')).toEqual([]);
    await kubectl('delete deployment web -n full');
  });

  step('a table that throttles is 429 to clients, and done by controllers as soon as it can be', async () => {
    const { dynamodb, server } = cluster();
    const token = await adminToken(Date.now());
    const writes = new Set(['PutItem', 'UpdateItem', 'TransactWriteItems']);
    dynamodb.fail(({ operation }) =>
      writes.has(operation) ? 'ProvisionedThroughputExceededException' : undefined,
    );
    try {
      const answer = await fetch(`${server}/api/v1/namespaces/default/configmaps`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late' } }),
      });
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answer.json()).toMatchObject({ kind: 'Status', reason: 'TooManyRequests', code: 429 });
    } finally {
      dynamodb.fail(undefined);
    }
    let calls = 0;
    dynamodb.fail(() => (++calls % 3 === 0 ? 'ThrottlingException' : undefined));
    try {
      await newNamespace('throttled');
    } finally {
      dynamodb.fail(undefined);
    }
    expect(calls).toBeGreaterThan(10);
  });

  step('a token that has expired lets nobody in', async () => {
    const ask = async (token: string) => {
      const { status } = await fetch(`${cluster().server}/api/v1/namespaces`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return status;
    };
    expect(await ask(await adminToken(Date.now()))).toBe(200);
    expect(await ask(await adminToken(Date.now() - 20 * 60_000))).toBe(401);
  });
}

interface LogRecord {
  eventName: 'INSERT';
  eventID: string;
  dynamodb: { NewImage: Record<string, unknown> };
}

/** The log entries of a type as the table's stream has had them. */
async function logOf(resource: string): Promise<LogRecord[]> {
  const { client, outputs } = cluster();
  const dynamodb = new DynamoDBClient(client);
  const { Items: items = [] } = await dynamodb.send(
    new QueryCommand({
      TableName: outputs.tableName,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: `l#${resource}#0` } },
    }),
  );
  dynamodb.destroy();
  return items.map((item, index) => ({
    eventName: 'INSERT',
    eventID: String(index),
    dynamodb: {
      NewImage: Object.fromEntries(
        Object.entries(item).map(([name, value]) => [
          name,
          value.B ? { B: Buffer.from(value.B).toString('base64') } : value,
        ]),
      ),
    },
  }));
}
