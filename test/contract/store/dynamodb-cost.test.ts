import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../../lib/api/object.ts';
import { encodeStored } from '../../../lib/api/stored.ts';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openWatchCache } from '../../../lib/store/cache/index.ts';
import { type Consumed, openDynamoStore } from '../../../lib/store/dynamodb/index.ts';
import type { RestorableStore } from '../../../lib/store/port.ts';
import { useDynamoTable } from '../../support/store/dynamodb-table.ts';
import { eventually } from '../../support/wait.ts';

/** What the table of costs in `docs/store.md` says, as the service reports it. */

let consumed: Consumed[] = [];
const { table, calls: callsOf } = useDynamoTable('cost');

const open = (clock: Clock = systemClock): RestorableStore =>
  openDynamoStore({
    calls: callsOf((one) => consumed.push(one)),
    table,
    clock,
    log: silentLogger,
    pollMs: { busy: 60_000, idle: 60_000 },
  });

let store: RestorableStore;
let resource: string;
beforeEach(async () => {
  store = open();
  resource = `r${randomUUID()}`;
  // Once for each process and type it makes sure that the type is on the list of types, and once in an eighth of the
  // history's length, from the second revision on, a mark is written for one unit more.
  await store.commit(resource, [{ op: 'create', key: 'default/first', body: pod('first', 0) }]);
  await store.commit(resource, [{ op: 'create', key: 'default/second', body: pod('second', 0) }]);
  return () => store.close();
});

async function costOf(work: () => Promise<unknown>): Promise<{ write: number; read: number; calls: number }> {
  consumed = [];
  await work();
  const sum = (calls: string[]) =>
    consumed.filter(({ call }) => calls.includes(call)).reduce((total, one) => total + one.capacityUnits, 0);
  return {
    write: sum(['put', 'update', 'transact', 'remove']),
    read: sum(['get', 'query', 'transactGet']),
    calls: consumed.length,
  };
}

test('an update of an object of 2 KB: at most 6 write units, two round trips, nothing read', async () => {
  const [a = 0] = await store.commit(resource, [{ op: 'create', key: 'default/web', body: pod('web', 1) }]);
  let b = 0;
  const cost = await costOf(async () => {
    [b = 0] = await store.commit(resource, [
      { op: 'replace', key: 'default/web', body: pod('web', 2), expected: a },
    ]);
  });
  expect(pod('web', 2).length).toBeGreaterThan(2000);
  expect(cost).toEqual({ write: 5, read: 0, calls: 2 });
  const other = open();
  await other.get(resource, 'default/first');
  await other.commit(resource, [{ op: 'create', key: 'default/x', body: pod('x', 1) }]);
  // A process that has not seen the object reads it first.
  const unseen = await costOf(() =>
    other.commit(resource, [{ op: 'replace', key: 'default/web', body: pod('web', 3), expected: b }]),
  );
  expect(unseen).toEqual({ write: 5, read: 2, calls: 3 });
  await other.close();
});

test('an update that is quiet wakes nobody who follows the stream, and is in the log of others', async () => {
  const [created = 0] = await store.commit(resource, [{ op: 'create', key: 'default/a', body: pod('a', 1) }]);
  const telling = openDynamoStore({
    calls: callsOf(),
    table,
    clock: systemClock,
    log: silentLogger,
    isQuiet: (type, before, after) => type === resource && before.length === after.length,
  });
  const replace = (body: Uint8Array, expected: number) =>
    telling.commit(resource, [{ op: 'replace', key: 'default/a', body, expected }]);
  const [quiet = 0] = await replace(pod('a', 2), created);
  const [loud = 0] = await replace(pod('another', 2), quiet);
  await telling.commit(resource, [
    { op: 'delete', key: 'default/a', body: pod('another', 2), expected: loud },
  ]);
  const { Items: items = [] } = await callsOf().query({
    TableName: table,
    KeyConditionExpression: 'pk = :pk AND sk >= :sk',
    ExpressionAttributeValues: {
      ':pk': { S: `l#${resource}#0` },
      ':sk': { S: String(created).padStart(16, '0') },
    },
  });
  expect(items.map(({ t }) => t?.S)).toEqual(['put', 'quiet', 'put', 'delete']);
  const seen: number[] = [];
  const stop = new AbortController();
  for await (const { changes } of store.watch(resource, created, { signal: stop.signal })) {
    seen.push(...changes.map(({ revision }) => revision));
    if (seen.length >= 3) stop.abort();
  }
  expect(seen).toEqual([quiet, loud, loud + 1]);
  await telling.close();
});

test('a create and a delete of an object of 2 KB', async () => {
  let revision = 0;
  const create = await costOf(async () => {
    [revision = 0] = await store.commit(resource, [
      { op: 'create', key: 'default/web', body: pod('web', 1) },
    ]);
  });
  expect(create).toEqual({ write: 5, read: 0, calls: 2 });
  const remove = await costOf(() =>
    store.commit(resource, [{ op: 'delete', key: 'default/web', body: pod('web', 1), expected: revision }]),
  );
  expect(remove).toEqual({ write: 5, read: 0, calls: 2 });
});

test('a get of 2 KB: two read units; a conflict that is seen beforehand: nothing written', async () => {
  const reader = open();
  // A process that knows nothing of the type reads the counter and the log once.
  expect(await costOf(() => reader.get(resource, 'default/first'))).toEqual({ write: 0, read: 4, calls: 3 });
  expect(await costOf(() => reader.get(resource, 'default/first'))).toEqual({ write: 0, read: 2, calls: 1 });
  await reader.close();
  const conflict = await costOf(() =>
    store
      .commit(resource, [{ op: 'replace', key: 'default/first', body: pod('first', 1), expected: 999 }])
      .catch(() => {}),
  );
  expect(conflict.write).toBe(0);
});

test('a list from a warm cache: one read unit, two right after a change', async () => {
  const cache = openWatchCache({ store, clock: systemClock, log: silentLogger });
  await cache.list(resource);
  await eventually(
    'the reader of the log to be idle',
    async () => {
      const cost = await costOf(() => cache.list(resource));
      return cost.read === 1 && cost.calls === 1;
    },
    { everyMs: 20 },
  );
  expect(await costOf(() => cache.list(resource))).toEqual({ write: 0, read: 1, calls: 1 });
  const other = open();
  await other.get(resource, 'default/first');
  await other.commit(resource, [{ op: 'create', key: 'default/new', body: pod('new', 1) }]);
  let found = 0;
  const cost = await costOf(async () => {
    found = (await cache.list(resource)).items.length;
  });
  expect(found).toBe(3);
  expect(cost).toEqual({ write: 0, read: 2, calls: 2 });
  await other.close();
  await cache.close();
});

test('the heads of several types: a read unit each, and one call for as many as 32', async () => {
  const types = [resource, `r${randomUUID()}`, `r${randomUUID()}`];
  for (const type of types.slice(1))
    await store.commit(type, [{ op: 'create', key: 'default/web', body: pod('web', 1) }]);
  const heads = (all: string[]) => Promise.all(all.map((type) => store.head(type)));
  let found: number[] = [];
  const cost = await costOf(async () => {
    found = await heads([...types, resource]);
  });
  expect(found).toEqual([2, 1, 1, 2]);
  expect(cost).toEqual({ write: 0, read: 3, calls: 1 });
  const others = Array.from({ length: 30 }, () => `r${randomUUID()}`);
  expect(await costOf(() => heads([...types, ...others]))).toMatchObject({ calls: 2 });
});

test('a type that is new to the watch cache: three calls, and none for the watch that follows', async () => {
  const nowMs = Date.now();
  // However slow the machine is, the watch begins when the list has just ended.
  const other = open({ ...systemClock, now: () => nowMs });
  // Once without the cache: the log from the floor on is one call more, for a process that does not know the type.
  await other.list(resource, '');
  const cache = openWatchCache({ store: other, clock: systemClock, log: silentLogger });
  expect(await costOf(() => cache.list(resource))).toEqual({ write: 0, read: 3, calls: 3 });
  expect(await costOf(() => cache.list(resource))).toEqual({ write: 0, read: 1, calls: 1 });
  await cache.close();
  await other.close();
});

function pod(name: string, generation: number): Uint8Array {
  const object: KubeObject & { spec: object; status: object } = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace: 'default',
      uid: '5a4f6d1c-3f0e-4b57-9a53-0a6f2c1d7e11',
      generation,
      creationTimestamp: '2026-03-01T12:34:56Z',
      labels: { app: 'web', 'pod-template-hash': '7d4b9c6f58' },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 'web-7d4b9c6f58',
          uid: '0f9ce0a0-92a1-4c5e-8a0e-4a9d1b1f7c22',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      containers: [
        {
          name: 'web',
          image: 'registry.example.com/team/web:1.27.3',
          ports: [{ containerPort: 8080, protocol: 'TCP' }],
          env: Array.from({ length: 16 }, (_, i) => ({
            name: `SETTING_${i}`,
            value: `value-${i}-of-${name}`,
          })),
          resources: { limits: { cpu: '500m', memory: '128Mi' }, requests: { cpu: '100m', memory: '64Mi' } },
          imagePullPolicy: 'IfNotPresent',
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      nodeName: 'ip-10-0-17-203.eu-central-1.compute.internal',
      schedulerName: 'default-scheduler',
    },
    status: {
      phase: 'Running',
      conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: '2026-03-01T12:35:02Z',
      })),
      hostIP: '10.0.17.203',
      podIP: '10.244.3.17',
      startTime: '2026-03-01T12:34:57Z',
    },
  };
  return encodeStored(object);
}
