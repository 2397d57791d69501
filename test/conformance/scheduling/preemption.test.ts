import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { PodSpec } from '../../../lib/api/gen/types.ts';
import { nodes, pods, priorityClasses, replicaSets } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

const device = 'example.com/fakecpu';
let plane: ControlPlane;
let namespace: string;

beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

afterEach(async () => {
  await plane.client.deleteCollection(replicaSets, { namespace });
  await plane.client.deleteCollection(pods, { namespace });
  await plane.client.deleteCollection(priorityClasses, { labelSelector: 'of=preemption' });
  await eventually('everything is gone', async () => {
    const { items } = await plane.client.list(pods, { namespace });
    return items.length === 0;
  });
});

/** Gives a node so much of a resource that nothing else asks for. */
async function extend(name: string, amount: number): Promise<void> {
  const resource = { [device]: String(amount) };
  const patch = { status: { capacity: resource, allocatable: resource } };
  await plane.client.patch(nodes, { name }, { type: 'strategic', patch }, { subresource: 'status' });
}

async function createClass(name: string, value: number): Promise<void> {
  await plane.client.create(priorityClasses, { metadata: { name, labels: { of: 'preemption' } }, value });
}

function specOf(priorityClassName: string, amount: number, node?: string): PodSpec {
  const resources = { requests: { [device]: String(amount) }, limits: { [device]: String(amount) } };
  return {
    priorityClassName,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'c', image: 'i', resources }],
    ...(node && { nodeSelector: { 'kubernetes.io/hostname': node } }),
  };
}

const isRunning = async (name: string): Promise<boolean> =>
  (await plane.client.get(pods, { namespace, name })).status?.phase === 'Running';

const namesOf = async (app: string, phase?: string): Promise<string[]> => {
  const { items } = await plane.client.list(pods, { namespace, labelSelector: `app=${app}` });
  return items
    .filter(({ status }) => phase === undefined || status?.phase === phase)
    .map(({ metadata }) => metadata.name);
};

test('SchedulerPreemption validates basic preemption works', async () => {
  namespace = await plane.namespace();
  for (const node of ['node-1', 'node-2']) await extend(node, 5);
  for (const [name, value] of [
    ['low-priority', 1],
    ['medium-priority', 100],
    ['high-priority', 1000],
  ] as const) {
    await createClass(name, value);
  }
  // Both nodes are two fifths short: one pod of low priority, the others of a medium one.
  for (let i = 0; i < 4; i++) {
    const priorityClassName = i === 0 ? 'low-priority' : 'medium-priority';
    const node = `node-${1 + (i % 2)}`;
    await plane.client.create(pods, {
      metadata: { name: `pod-${i}`, namespace },
      spec: specOf(priorityClassName, 2, node),
    });
  }
  for (let i = 0; i < 4; i++) await eventually(`pod-${i} runs`, () => isRunning(`pod-${i}`));
  await plane.client.create(pods, {
    metadata: { name: 'preemptor', namespace },
    spec: specOf('high-priority', 2),
  });
  await eventually('the preemptor runs', () => isRunning('preemptor'));
  const { items } = await plane.client.list(pods, { namespace });
  expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(['pod-1', 'pod-2', 'pod-3', 'preemptor']);
});

test('SchedulerPreemption PreemptionExecutionPath runs ReplicaSets to verify preemption running path', async () => {
  namespace = await plane.namespace();
  const node = 'node-1';
  await extend(node, 1000);
  const tiers = [
    { name: 'p1', value: 1, replicas: 5, amount: 40 },
    { name: 'p2', value: 2, replicas: 4, amount: 50 },
    { name: 'p3', value: 3, replicas: 4, amount: 95 },
  ];
  const created = await plane.watch<{ metadata: { name: string; labels?: Record<string, string> } }>(
    `/api/v1/namespaces/${namespace}/pods`,
  );
  for (const { name, value, replicas, amount } of tiers) {
    await createClass(name, value);
    await plane.client.create(replicaSets, {
      metadata: { name, namespace },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: specOf(name, amount, node) },
      },
    });
    await eventually(`${replicas} of ${name} run`, async () => {
      return (await namesOf(name, 'Running')).length === replicas;
    });
  }
  await createClass('p4', 4);
  await plane.client.create(pods, { metadata: { name: 'p4', namespace }, spec: specOf('p4', 500, node) });
  await eventually('the preemptor runs', () => isRunning('p4'));
  // 780 of 1,000 were taken; for 500 more, all five of the lowest and two of the next had to go, and wait.
  await eventually('the tiers are what is left of them', async () => {
    const running = await Promise.all(tiers.map(({ name }) => namesOf(name, 'Running')));
    const all = await Promise.all(tiers.map(({ name }) => namesOf(name)));
    const counts = [...running, ...all].map(({ length }) => length);
    return counts.join() === '0,2,4,5,4,4';
  });
  const seen = (app: string) =>
    new Set(
      created.events
        .filter(({ type, object }) => type === 'ADDED' && object.metadata.labels?.['app'] === app)
        .map(({ object }) => object.metadata.name),
    ).size;
  await eventually('every replacement was told of', () => seen('p1') >= 10 && seen('p2') >= 6);
  expect(tiers.map(({ name }) => seen(name))).toEqual([10, 6, 4]);
});
