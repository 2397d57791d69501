/** What becomes of Nodes as their machines come and go, each controller with the rights of its own account. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { controllerClients } from '../../../../functions/controllers/accounts.ts';
import { readInstanceEvent } from '../../../../functions/controllers/cloud/drain/event.ts';
import {
  drainAnnotation,
  type LifecycleAction,
} from '../../../../functions/controllers/cloud/drain/request.ts';
import { cloudControllers } from '../../../../functions/controllers/cloud/index.ts';
import { type RunningControllers, runControllers } from '../../../../functions/controllers/run.ts';
import { createInProcessClient } from '../../../../lib/client/in-process.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { nodes, podDisruptionBudgets, pods, serviceAccounts } from '../../../../lib/client/resources.ts';
import { rfc3339, systemClock } from '../../../../lib/clock.ts';
import { silentLogger } from '../../../../lib/log.ts';
import { changesAnnotation, queueUrlAnnotation } from '../../../../lib/node-queue/annotations.ts';
import { startServer, type TestServer } from '../../../support/api-server.ts';
import { eventually } from '../../../support/wait.ts';

const name = 'i-0123456789abcdef0';
const within = { withinMs: 180_000 };

let server: TestServer;
let client: KubeClient;
let stop: AbortController;
let running: RunningControllers;
let states: Map<string, 'running' | 'stopped' | 'gone'>;
let ways: Map<string, string>;
let queues: Set<string>;
let completed: LifecycleAction[];
/** Paths of the evictions that controllers asked for. */
let evictions: string[];

beforeEach(async () => {
  server = await startServer();
  client = createInProcessClient(server.handle, { username: 'admin', groups: ['system:masters'] });
  await client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'default' } });
  stop = new AbortController();
  states = new Map();
  ways = new Map();
  queues = new Set();
  completed = [];
  evictions = [];
  const entries = cloudControllers({
    queues: {
      ensure: async (node) => `https://queues/${[...queues.add(node)].find((one) => one === node)}`,
      remove: async (node) => void queues.delete(node),
      others: async function* (nodeNames) {
        for (const node of [...queues]) if (!nodeNames.includes(node)) yield node;
      },
    },
    machines: {
      instances: { state: async (id) => states.get(id) ?? 'gone' },
      groups: { complete: async (action) => void completed.push(action) },
      routes: {
        list: async () => [...ways].map(([cidr, instanceId]) => ({ cidr, instanceId })),
        put: async ({ cidr, instanceId }) => void ways.set(cidr, instanceId),
        remove: async (cidr) => void ways.delete(cidr),
      },
    },
  });
  running = runControllers(entries, {
    ...controllerClients((request) => {
      if (request.path.endsWith('/eviction')) evictions.push(request.path);
      return server.handle(request);
    }),
    clock: systemClock,
    log: silentLogger,
    signal: stop.signal,
    resyncMs: 1_000,
  });
  await running.ready;
});
afterEach(async () => {
  stop.abort();
  await running.stopped;
  await server.close();
});

async function addNode(ready: 'True' | 'False', annotations: Record<string, string> = {}): Promise<void> {
  states.set(name, 'running');
  await client.create(nodes, {
    metadata: { name, annotations },
    spec: { providerID: `aws:///eu-west-1a/${name}`, podCIDR: '10.244.3.0/24', podCIDRs: ['10.244.3.0/24'] },
  });
  await setReady(ready);
}

async function setReady(status: string): Promise<void> {
  const patch = { status: { conditions: [{ type: 'Ready', status }] } };
  await client.patch(nodes, { name }, { type: 'strategic', patch }, { subresource: 'status' });
}

const theNode = () => client.get(nodes, { name });
const gone = () =>
  theNode().then(
    () => false,
    () => true,
  );

test('a Node has a queue while its agent asks for one, and takes it along', async () => {
  await addNode('True', { [changesAnnotation]: 'queue' });
  await eventually(
    'it is told',
    async () => (await theNode()).metadata.annotations?.[queueUrlAnnotation] === `https://queues/${name}`,
    within,
  );
  await client.delete(nodes, { name });
  await eventually('the queue is gone', () => queues.size === 0, within);
});

test('a queue is found that is left of a Node whose deletion nobody was told of, and no other is touched', async () => {
  await addNode('True', { [changesAnnotation]: 'queue' });
  await eventually('it has a queue', () => queues.has(name), within);
  queues.add('i-0aaaaaaaaaaaaaaaa');
  await eventually('what is left is gone', () => !queues.has('i-0aaaaaaaaaaaaaaaa'), within);
  expect([...queues]).toEqual([name]);
});

test('a way is found that is left of the last Node of all', async () => {
  ways.set('10.244.9.0/24', 'i-0aaaaaaaaaaaaaaaa');
  await eventually('it is gone', () => ways.size === 0, within);
});

test('pods of a Node have a way for as long as the Node is there', async () => {
  await addNode('True');
  await eventually('a way', () => ways.get('10.244.3.0/24') === name, within);
  await client.delete(nodes, { name });
  await eventually('no way', () => ways.size === 0, within);
});

test('a Node is deleted when it is silent and its machine is gone, and not before', async () => {
  await addNode('True');
  states.set(name, 'gone');
  await setReady('Unknown');
  await eventually('it is deleted', gone, within);
});

test('a Node whose machine is stopped is tainted until it is back', async () => {
  const taints = async () => (await theNode()).spec.taints?.map(({ key }) => key) ?? [];
  const shutdown = 'node.cloudprovider.kubernetes.io/shutdown';
  await addNode('True');
  states.set(name, 'stopped');
  await setReady('Unknown');
  await eventually('it is tainted', async () => (await taints()).includes(shutdown), within);
  states.set(name, 'running');
  await setReady('True');
  await eventually('it is not', async () => !(await taints()).includes(shutdown), within);
});

const action: LifecycleAction = { group: 'g', hook: 'h', token: 't', instanceId: name };
const drain = (inMs: number) =>
  client.patch(
    nodes,
    { name },
    {
      type: 'merge',
      patch: {
        metadata: {
          annotations: {
            [drainAnnotation]: JSON.stringify({ deadline: rfc3339(Date.now() + inMs), action }),
          },
        },
      },
    },
  );
async function addPod(podName: string, ownerReferences: object[] = [], app = 'web'): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podName, labels: { app }, ownerReferences },
    spec: { nodeName: name, terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'box' }] },
  };
  const { status, text } = await server.post('/api/v1/namespaces/default/pods', body);
  expect(status, text).toBe(201);
}
const podNames = async () =>
  (await client.list(pods, { namespace: 'default' })).items.map(({ metadata }) => metadata.name).sort();

test('a machine goes when its node is cordoned and empty but for daemons', async () => {
  await addNode('True');
  await addPod('web');
  await addPod('daemon', [
    { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true },
  ]);
  await drain(600_000);
  await eventually('the machine may go', () => completed.length > 0, within);
  expect(completed).toEqual([action]);
  expect((await theNode()).spec.unschedulable).toBe(true);
  expect(await podNames()).toEqual(['daemon']);
  await eventually(
    'nothing is asked for any more',
    async () => (await theNode()).metadata.annotations?.[drainAnnotation] === undefined,
    within,
  );
});

test('what a budget protects stays until the time is over, and then the machine goes all the same', async () => {
  await addNode('True');
  await addPod('web');
  // One that never ran is nobody's loss, and no budget's.
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  const ref = { namespace: 'default', name: 'web' };
  await client.patch(pods, ref, { type: 'strategic', patch: { status } }, { subresource: 'status' });
  const spec = { minAvailable: 1, selector: { matchLabels: { app: 'web' } } };
  await client.create(podDisruptionBudgets, { metadata: { namespace: 'default', name: 'web' }, spec });
  await addPod('spare', [], 'other');
  await drain(600_000);
  await eventually('all that may go have gone', async () => !(await podNames()).includes('spare'), within);
  // Nobody waited until the budget would allow the first.
  expect(evictions.slice(0, 2).map((path) => path.split('/').at(-2))).toEqual(['web', 'spare']);
  expect(completed).toEqual([]);
  await drain(0);
  await eventually('the machine may go', () => completed.length > 0, within);
  expect(await podNames()).toEqual(['web']);
});

test('events of machines say which, and by when; others are refused by what is wrong with them', () => {
  const time = '2026-01-01T00:00:00Z';
  const atMs = Date.parse(time);
  const spot = {
    'detail-type': 'EC2 Spot Instance Interruption Warning',
    time,
    detail: { 'instance-id': name },
  };
  expect(readInstanceEvent(spot, 300_000)).toEqual({ instanceId: name, deadlineMs: atMs + 120_000 });
  const detail = {
    EC2InstanceId: name,
    AutoScalingGroupName: 'g',
    LifecycleHookName: 'h',
    LifecycleActionToken: 't',
  };
  const hook = { 'detail-type': 'EC2 Instance-terminate Lifecycle Action', time, detail };
  expect(readInstanceEvent(hook, 300_000)).toEqual({ instanceId: name, deadlineMs: atMs + 300_000, action });
  const refused: [event: unknown, why: string][] = [
    [undefined, 'time: Invalid value: undefined: must be a time of RFC 3339'],
    ['terminate', 'time: Invalid value: undefined: must be a time of RFC 3339'],
    [{ ...hook, time: 'soon' }, 'time: Invalid value: "soon": must be a time of RFC 3339'],
    [
      { ...hook, time: '2026-99-99T00:00:00Z' },
      'time: Invalid value: "2026-99-99T00:00:00Z": must be a time',
    ],
    [{ ...hook, detail: null }, 'detail.AutoScalingGroupName: Invalid value: undefined: must be'],
    [{ ...hook, detail: {} }, 'detail.AutoScalingGroupName: Invalid value: undefined: must be'],
    [{ ...hook, detail: { ...detail, LifecycleHookName: 7 } }, 'detail.LifecycleHookName: Invalid value: 7'],
    [{ ...hook, detail: { ...detail, LifecycleActionToken: '' } }, 'detail.LifecycleActionToken: Invalid'],
    [
      { ...hook, detail: { ...detail, EC2InstanceId: '../pods/web' } },
      'detail.EC2InstanceId: Invalid value: "../pods/web": must be an instance’s id',
    ],
    [{ ...spot, detail: {} }, 'detail.instance-id: Invalid value: undefined: must be an instance’s id'],
    [
      { ...hook, 'detail-type': 'EC2 Instance Launch Successful' },
      'detail-type: Invalid value: "EC2 Instance',
    ],
    [{ ...hook, 'detail-type': undefined }, 'detail-type: Invalid value: undefined'],
  ];
  for (const [event, why] of refused) expect(() => readInstanceEvent(event, 300_000)).toThrow(why);
});
