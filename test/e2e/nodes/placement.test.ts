import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CoreV1Event, Pod, PodSpec } from '../../../lib/api/gen/types.ts';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { loadHello } from '../../support/hello.ts';
import { eventually } from '../../support/wait.ts';

const image = 'hello:1.0';
const nodeNames = ['node-1', 'node-2', 'node-3'];
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster({ args: ['--nodes', '3'], readyWithinMs: 120_000 });
  await loadHello(cluster);
}, 420_000);
afterAll(() => cluster?.remove());

test('spreading puts the pods of an app on the nodes in equal numbers', async () => {
  const app = 'spread';
  await run(app, 6, {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { app } },
      },
    ],
  });
  const pods = await allRunning(app, 6);
  expect(countByNode(pods)).toEqual({ 'node-1': 2, 'node-2': 2, 'node-3': 2 });
  await remove(app);
});

test('pods that must keep apart take a node each, and one more has nowhere to go', async () => {
  const app = 'apart';
  await run(app, 4, {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } },
        ],
      },
    },
  });
  const pods = await allRunning(app, 3);
  expect(countByNode(pods)).toEqual({ 'node-1': 1, 'node-2': 1, 'node-3': 1 });
  const waiting = await eventually('one pod waits', async () =>
    (await podsOf(app)).find(({ status }) => condition(status, 'PodScheduled')?.status === 'False'),
  );
  expect(condition(waiting.status, 'PodScheduled')).toMatchObject({
    reason: 'Unschedulable',
    message: expect.stringMatching(
      /^0\/3 nodes are available: 3 node\(s\) didn't match pod anti-affinity rules\./,
    ),
  });
  const failed = await eventually('a FailedScheduling event', async () =>
    (await eventsOf(waiting.metadata.name ?? '')).find(({ reason }) => reason === 'FailedScheduling'),
  );
  expect(failed.message).toMatch(/^0\/3 nodes are available: /);
  await remove(app);
});

test('pods that must be together go where the first of them is', async () => {
  await run('anchor', 1, { nodeName: 'node-2' });
  await allRunning('anchor', 1);
  await run('beside', 3, {
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'anchor' } } },
        ],
      },
    },
  });
  expect(countByNode(await allRunning('beside', 3))).toEqual({ 'node-2': 3 });
  await remove('beside');
  await remove('anchor');
});

test('node affinity and node selectors take pods to the nodes with the label', async () => {
  await cluster.kubectl('label node node-3 disk=fast');
  await run('fast', 2, {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['fast'] }] }],
        },
      },
    },
  });
  expect(countByNode(await allRunning('fast', 2))).toEqual({ 'node-3': 2 });
  await remove('fast');
});

test('a taint keeps pods off, a toleration lets them on, and NoExecute ends those that run', async () => {
  await cluster.kubectl('taint node node-1 keep=off:NoSchedule');
  await run('off', 4, {});
  const pods = await allRunning('off', 4);
  expect(Object.keys(countByNode(pods)).sort()).toEqual(['node-2', 'node-3']);
  await run('tolerant', 1, {
    nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
    tolerations: [{ key: 'keep', operator: 'Exists', effect: 'NoSchedule' }],
  });
  await allRunning('tolerant', 1);
  await cluster.kubectl('taint node node-1 leave=now:NoExecute');
  await eventually('the pod is evicted', async () => {
    const left = await podsOf('tolerant');
    return left.every(({ spec, metadata }) => spec.nodeName !== 'node-1' || metadata.deletionTimestamp);
  });
  await remove('off');
  await remove('tolerant');
  await cluster.kubectl('taint node node-1 keep- leave-');
});

test('a pod of higher priority takes the place of a lower one, which ends gracefully and says why', async () => {
  for (const [name, value] of [
    ['low', 100],
    ['high', 1000],
  ] as const) {
    await apply({
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value,
    });
  }
  const [{ status } = { status: undefined }] = (
    JSON.parse(await cluster.kubectl('get nodes -o json')) as { items: Pod[] }
  ).items;
  const cpu = Number((status as { allocatable?: Record<string, string> }).allocatable?.['cpu'] ?? 0);
  // More than half of a node each: one fits, two do not.
  const most = { resources: { requests: { cpu: `${Math.ceil(cpu * 600)}m` } } };
  await run('low', 3, { priorityClassName: 'low' }, most);
  const before = await allRunning('low', 3);
  expect(countByNode(before)).toEqual({ 'node-1': 1, 'node-2': 1, 'node-3': 1 });
  await apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'high', labels: { app: 'high' } },
    spec: { priorityClassName: 'high', containers: [{ name: 'web', image, ...most }] },
  });
  const [winner] = await allRunning('high', 1);
  const victim = before.find(({ spec }) => spec.nodeName === winner?.spec.nodeName);
  const name = victim?.metadata.name ?? '';
  const events = await eventually('the victim says why', async () => {
    const all = await eventsOf(name);
    return all.some(({ reason }) => reason === 'Preempted') && all;
  });
  expect(events.find(({ reason }) => reason === 'Preempted')?.message).toBe(
    `Preempted by pod ${winner?.metadata.uid} on node ${winner?.spec.nodeName}`,
  );
  // The ReplicaSet made another of the lower kind, which now waits.
  await eventually('two of the lower kind are left', async () => {
    const running = (await podsOf('low')).filter((pod) => pod.status?.phase === 'Running');
    return running.length === 2;
  });
  await cluster.kubectl('delete pod high --grace-period=1');
  await allRunning('low', 3);
  await remove('low');
});

async function run(app: string, replicas: number, spec: Partial<PodSpec>, container: object = {}) {
  await apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app },
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: {
          terminationGracePeriodSeconds: 2,
          containers: [{ name: 'web', image, ...container }],
          ...spec,
        },
      },
    },
  });
}

async function apply(object: object): Promise<void> {
  await cluster.kubectl('apply -f -', { input: JSON.stringify(object) });
}

async function remove(app: string): Promise<void> {
  await cluster.kubectl(`delete deployment ${app}`);
  await eventually(`the pods of ${app} are gone`, async () => (await podsOf(app)).length === 0);
}

async function podsOf(app: string): Promise<Pod[]> {
  return (JSON.parse(await cluster.kubectl(`get pods -l app=${app} -o json`)) as { items: Pod[] }).items;
}

async function allRunning(app: string, count: number): Promise<Pod[]> {
  return await eventually(
    `${count} pods of ${app} run`,
    async () => {
      const pods = (await podsOf(app)).filter(
        ({ status, metadata }) =>
          condition(status, 'Ready')?.status === 'True' && !metadata.deletionTimestamp,
      );
      return pods.length === count && pods;
    },
    { withinMs: 180_000 },
  );
}

function condition(status: Pod['status'], type: string) {
  return status?.conditions?.find((one) => one.type === type);
}

function countByNode(pods: readonly Pod[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { spec } of pods) {
    const node = spec.nodeName ?? '';
    expect(nodeNames).toContain(node);
    counts[node] = (counts[node] ?? 0) + 1;
  }
  return counts;
}

async function eventsOf(name: string): Promise<CoreV1Event[]> {
  const list = await cluster.kubectl(`get events --field-selector involvedObject.name=${name} -o json`);
  return (JSON.parse(list) as { items: CoreV1Event[] }).items;
}
