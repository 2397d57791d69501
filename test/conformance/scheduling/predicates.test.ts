import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CoreV1Event, Pod, PodSpec } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { events, nodes, pods } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

function create(namespace: string, name: string, spec: Partial<PodSpec> = {}, finalizers?: string[]) {
  return plane.client.create(pods, {
    metadata: { name, namespace, ...(finalizers && { finalizers }) },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  });
}

const running = (namespace: string, name: string): Promise<Persisted<Pod>> =>
  eventually(`${name} runs`, async () => {
    const pod = await plane.client.get(pods, { namespace, name });
    return pod.status?.phase === 'Running' && pod;
  });

const failedScheduling = (namespace: string, name: string): Promise<Persisted<CoreV1Event>> =>
  eventually(`FailedScheduling of ${name}`, async () => {
    const { items } = await plane.client.list(events, { namespace });
    return items.find(
      ({ reason, involvedObject }) => reason === 'FailedScheduling' && involvedObject.name === name,
    );
  });

/** A container that asks for so much CPU. */
const asking = (cpu: string): Partial<PodSpec> => ({
  containers: [{ name: 'c', image: 'i', resources: { requests: { cpu }, limits: { cpu } } }],
});

async function clear(namespace: string): Promise<void> {
  await plane.client.deleteCollection(pods, { namespace });
  await eventually(
    `${namespace} is clear`,
    async () => (await plane.client.list(pods, { namespace })).items.length === 0,
  );
}

test('Conformance Tests should have at least two untainted nodes', async () => {
  const usable = await eventually('two usable nodes', async () => {
    const { items } = await plane.client.list(nodes);
    const found = items.filter(
      ({ spec, status }) =>
        !spec.unschedulable &&
        !spec.taints?.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute') &&
        status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    );
    return found.length >= 2 && found;
  });
  expect(usable.map(({ metadata }) => metadata.name).sort()).toEqual(['node-1', 'node-2']);
});

test('SchedulerPredicates validates that NodeSelector is respected if not matching', async () => {
  const namespace = await plane.namespace();
  await create(namespace, 'restricted', { nodeSelector: { label: 'nonempty' } });
  const event = await failedScheduling(namespace, 'restricted');
  expect(event.message).toContain(
    "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector",
  );
  const pod = await plane.client.get(pods, { namespace, name: 'restricted' });
  expect([pod.spec.nodeName, pod.status?.phase]).toEqual([undefined, 'Pending']);
  await clear(namespace);
});

test('SchedulerPredicates validates that NodeSelector is respected if matching', async () => {
  const namespace = await plane.namespace();
  for (const [node, value] of [
    ['node-1', '41'],
    ['node-2', '42'],
  ] as const) {
    await plane.client.patch(
      nodes,
      { name: node },
      { type: 'merge', patch: { metadata: { labels: { random: value } } } },
    );
  }
  for (const name of ['first', 'second', 'third']) {
    await create(namespace, name, { nodeSelector: { random: '42' } });
    expect((await running(namespace, name)).spec.nodeName).toBe('node-2');
  }
  await create(namespace, 'other', { nodeSelector: { random: '41' } });
  expect((await running(namespace, 'other')).spec.nodeName).toBe('node-1');
  await clear(namespace);
});

test('SchedulerPredicates validates resource limits of pods that are allowed to run', async () => {
  const namespace = await plane.namespace();
  for (const node of ['node-1', 'node-2']) {
    const nodeSelector = { 'kubernetes.io/hostname': node };
    await create(namespace, `filler-${node}`, { ...asking('6'), nodeSelector });
    await running(namespace, `filler-${node}`);
  }
  await create(namespace, 'additional', asking('4'));
  const event = await failedScheduling(namespace, 'additional');
  expect(event.message).toContain('0/2 nodes are available: 2 Insufficient cpu.');
  const pod = await plane.client.get(pods, { namespace, name: 'additional' });
  expect(pod.spec.nodeName).toBeUndefined();
  expect(pod.status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }),
  );
  await create(namespace, 'fits', asking('2'));
  await running(namespace, 'fits');
  await clear(namespace);
});

test('SchedulerPredicates validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP', async () => {
  const namespace = await plane.namespace();
  const holding = (hostIP: string | undefined, protocol: string): Partial<PodSpec> => ({
    nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
    containers: [
      {
        name: 'c',
        image: 'i',
        ports: [{ containerPort: 8080, hostPort: 54322, protocol, ...(hostIP && { hostIP }) }],
      },
    ],
  });
  await create(namespace, 'everywhere', holding(undefined, 'TCP'));
  await running(namespace, 'everywhere');
  await create(namespace, 'one-address', holding('192.0.2.11', 'TCP'));
  const event = await failedScheduling(namespace, 'one-address');
  expect(event.message).toContain("1 node(s) didn't have free ports for the requested pod ports");
  await create(namespace, 'other-protocol', holding('192.0.2.11', 'UDP'));
  await running(namespace, 'other-protocol');
  await plane.client.delete(pods, { namespace, name: 'everywhere' });
  await running(namespace, 'one-address');
  await clear(namespace);
});

test('SchedulerPreemption validates lower priority pod preemption by critical pod', async () => {
  const namespace = await plane.namespace();
  const victims: string[] = [];
  for (const node of ['node-1', 'node-2']) {
    const nodeSelector = { 'kubernetes.io/hostname': node };
    await create(namespace, `low-${node}`, { ...asking('6'), nodeSelector });
    victims.push((await running(namespace, `low-${node}`)).metadata.uid);
  }
  await create('kube-system', 'critical', { ...asking('6'), priorityClassName: 'system-cluster-critical' });
  const critical = await running('kube-system', 'critical');
  expect(critical.spec.priority).toBe(2_000_000_000);
  const left = (await plane.client.list(pods, { namespace })).items;
  expect(left).toHaveLength(1);
  expect(victims).toContain(left[0]?.metadata.uid);
  expect(left[0]?.spec.nodeName).not.toBe(critical.spec.nodeName);
  await plane.client.delete(pods, { namespace: 'kube-system', name: 'critical' });
  await clear(namespace);
});

test('SchedulerPreemption validates pod disruption condition is added to the preempted pod', async () => {
  const namespace = await plane.namespace();
  const nodeSelector = { 'kubernetes.io/hostname': 'node-1' };
  await create(namespace, 'victim', { ...asking('6'), nodeSelector }, ['conformance.test/hold']);
  await running(namespace, 'victim');
  const critical = { ...asking('6'), nodeSelector, priorityClassName: 'system-node-critical' };
  await create(namespace, 'preemptor', critical);
  const victim = await eventually('the victim is told to end', async () => {
    const pod = await plane.client.get(pods, { namespace, name: 'victim' });
    return !!pod.metadata.deletionTimestamp && pod;
  });
  expect(victim.status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    }),
  );
  const patch = { metadata: { finalizers: null } };
  await plane.client.patch(pods, { namespace, name: 'victim' }, { type: 'merge', patch });
  await running(namespace, 'preemptor');
  await clear(namespace);
});
