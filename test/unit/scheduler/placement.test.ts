import { afterEach, describe, expect, it } from 'vitest';
import { startScheduler } from '../../../functions/scheduler/index.ts';
import type { Pod, PodSpec } from '../../../lib/api/gen/types.ts';
import { events, nodes, pods, priorityClasses } from '../../../lib/client/resources.ts';
import { encodeStored } from '../../../lib/api/stored.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createNodes, podOf, startControlPlane } from '../../bench/scheduler/cluster.ts';
import { eventually } from '../../support/wait.ts';

type ControlPlane = Awaited<ReturnType<typeof startControlPlane>>;
let controlPlane: ControlPlane | undefined;
let stop = new AbortController();

afterEach(async () => {
  stop.abort(new Error('the test ended'));
  await controlPlane?.close();
  stop = new AbortController();
});

async function start(nodeCount: number, schedulers = 1): Promise<ControlPlane> {
  controlPlane = await startControlPlane();
  await createNodes(controlPlane.admin, nodeCount);
  for (let i = 0; i < schedulers; i++) {
    await startScheduler({
      client: controlPlane.scheduler,
      clock: systemClock,
      log: silentLogger,
      signal: stop.signal,
    });
  }
  return controlPlane;
}

async function create(
  { admin }: ControlPlane,
  name: string,
  requests: Record<string, string>,
  spec: Partial<PodSpec> = {},
): Promise<Pod> {
  return admin.create(pods, { ...podOf({ prefix: name, requests, spec }, 0) });
}

const get = ({ admin }: ControlPlane, name: string) =>
  admin.get(pods, { namespace: 'default', name: `${name}-0` });

const nodeOf = (cluster: ControlPlane, name: string) =>
  eventually(`${name} has a node`, async () => (await get(cluster, name)).spec.nodeName, {
    withinMs: 90_000,
    everyMs: 20,
  });

const reasonOf = (cluster: ControlPlane, name: string) =>
  eventually(
    `${name} says why it waits`,
    async () =>
      (await get(cluster, name)).status?.conditions?.find(
        ({ type, status }) => type === 'PodScheduled' && status === 'False',
      ),
    { withinMs: 90_000, everyMs: 20 },
  );

describe('scheduler', () => {
  it('binds a pod and says so', async () => {
    const cluster = await start(1);
    await create(cluster, 'web', { cpu: '1' });
    expect(await nodeOf(cluster, 'web')).toBe('node-0');
    const event = await eventually('the event is there', async () =>
      (await cluster.admin.list(events, { namespace: 'default' })).items.find(
        ({ reason }) => reason === 'Scheduled',
      ),
    );
    expect(event).toMatchObject({
      message: 'Successfully assigned default/web-0 to node-0',
      type: 'Normal',
      source: { component: 'default-scheduler' },
    });
  });

  it("says why a pod fits nowhere in kube-scheduler's words, and places it once it fits", async () => {
    const cluster = await start(1);
    await create(cluster, 'first', { cpu: '3' });
    await nodeOf(cluster, 'first');
    await create(cluster, 'second', { cpu: '2' });
    const condition = await reasonOf(cluster, 'second');
    expect(condition).toMatchObject({
      reason: 'Unschedulable',
      message:
        '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    });
    await cluster.admin.delete(pods, { namespace: 'default', name: 'first-0' }, { gracePeriodSeconds: 0 });
    expect(await nodeOf(cluster, 'second')).toBe('node-0');
  });

  it('wakes a pod when its node comes', async () => {
    const cluster = await start(1);
    await create(cluster, 'picky', { cpu: '1' }, { nodeSelector: { disk: 'ssd' } });
    const condition = await reasonOf(cluster, 'picky');
    expect(condition.message).toBe(
      "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    );
    await cluster.admin.patch(
      nodes,
      { name: 'node-0' },
      { type: 'merge', patch: { metadata: { labels: { disk: 'ssd' } } } },
    );
    expect(await nodeOf(cluster, 'picky')).toBe('node-0');
  });

  it('leaves a pod with contradictory constraints pending, with the reason of every node', async () => {
    const cluster = await start(2);
    const { admin } = cluster;
    await admin.patch(
      nodes,
      { name: 'node-0' },
      { type: 'merge', patch: { metadata: { labels: { disk: 'ssd' } } } },
    );
    // In on one label what NotIn takes away again, on a node where it must not be besides.
    const nodeSelectorTerms = [
      {
        matchExpressions: [
          { key: 'disk', operator: 'In' as const, values: ['ssd'] },
          { key: 'disk', operator: 'NotIn' as const, values: ['ssd'] },
        ],
      },
    ];
    await create(
      cluster,
      'never',
      { cpu: '1' },
      {
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
      },
    );
    // Together with what it must be apart from.
    const term = { labelSelector: { matchLabels: { app: 'odd' } }, topologyKey: 'kubernetes.io/hostname' };
    const odd = podOf({ prefix: 'odd', requests: { cpu: '1' }, labels: { app: 'odd' } }, 0);
    const required = { requiredDuringSchedulingIgnoredDuringExecution: [term] };
    await admin.create(pods, { ...odd, spec: { ...odd.spec, nodeName: 'node-1' } });
    const torn = podOf(
      { prefix: 'torn', spec: { affinity: { podAffinity: required, podAntiAffinity: required } } },
      0,
    );
    await admin.create(pods, torn);
    expect(await reasonOf(cluster, 'never')).toMatchObject({
      reason: 'Unschedulable',
      message:
        "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    });
    expect(await reasonOf(cluster, 'torn')).toMatchObject({
      reason: 'Unschedulable',
      message: expect.stringMatching(
        /^0\/2 nodes are available: 1 node\(s\) didn't match pod affinity rules, 1 node\(s\) didn't match pod anti-affinity rules\. /,
      ),
    });
    for (const name of ['never', 'torn']) {
      const { spec, status } = await get(cluster, name);
      expect([spec.nodeName, status?.phase]).toEqual([undefined, 'Pending']);
    }
  });

  it.each([
    ['cpu', 'plenty'],
    ['memory', '-1Gi'],
    ['pods', 'many'],
  ])(
    'leaves a node out whose %s is %s, says so, and takes it back once it makes sense',
    async (name, amount) => {
      const cluster = await start(2);
      const { admin, store } = cluster;
      const node = await admin.get(nodes, { name: 'node-0' });
      const nonsense = {
        ...node,
        status: { ...node.status, allocatable: { ...node.status?.allocatable, [name]: amount } },
      };
      await expect(admin.update(nodes, nonsense, { subresource: 'status' })).rejects.toThrow(
        /quantities must match the regular expression|must be greater than or equal to 0/,
      );
      // As something older than this API server may have left it.
      const expected = Number(node.metadata.resourceVersion);
      await store.commit('nodes', [{ op: 'replace', key: 'node-0', body: encodeStored(nonsense), expected }]);
      const event = await eventually('an event about the node', async () =>
        (await admin.list(events)).items.find(({ reason }) => reason === 'InvalidAllocatable'),
      );
      expect(event).toMatchObject({ type: 'Warning', involvedObject: { kind: 'Node', name: 'node-0' } });
      expect(event.message).toContain('status.allocatable cannot be read, no pod is placed here');
      await create(cluster, 'first', { cpu: '3' });
      expect(await nodeOf(cluster, 'first')).toBe('node-1');
      await create(cluster, 'second', { cpu: '3' });
      expect((await reasonOf(cluster, 'second')).message).toMatch(
        /^0\/1 nodes are available: 1 Insufficient cpu\./,
      );
      const patch = { status: { allocatable: { [name]: node.status?.allocatable?.[name] } } };
      await admin.patch(nodes, { name: 'node-0' }, { type: 'merge', patch }, { subresource: 'status' });
      expect(await nodeOf(cluster, 'second')).toBe('node-0');
    },
  );

  it('holds a pod back while it has scheduling gates', async () => {
    const cluster = await start(1);
    await create(cluster, 'gated', { cpu: '1' }, { schedulingGates: [{ name: 'example.com/wait' }] });
    await create(cluster, 'free', { cpu: '1' });
    await nodeOf(cluster, 'free');
    expect((await get(cluster, 'gated')).spec.nodeName).toBeUndefined();
    await cluster.admin.patch(
      pods,
      { namespace: 'default', name: 'gated-0' },
      { type: 'merge', patch: { spec: { schedulingGates: null } } },
    );
    expect(await nodeOf(cluster, 'gated')).toBe('node-0');
  });

  it('makes room for a pod of higher priority, gracefully, and only where that helps', async () => {
    const cluster = await start(1);
    await create(cluster, 'low', { cpu: '3' });
    await nodeOf(cluster, 'low');
    await create(cluster, 'high', { cpu: '3' }, { priorityClassName: 'system-cluster-critical' });
    const victim = await eventually('the victim is asked to end', async () => {
      const pod = await get(cluster, 'low');
      return pod.metadata.deletionTimestamp ? pod : undefined;
    });
    expect(victim.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    });
    await eventually(
      'the node is nominated',
      async () => (await get(cluster, 'high')).status?.nominatedNodeName === 'node-0',
    );
    expect((await get(cluster, 'high')).spec.nodeName).toBeUndefined();
    // What an agent does once the containers have ended.
    await cluster.admin.delete(pods, { namespace: 'default', name: 'low-0' }, { gracePeriodSeconds: 0 });
    expect(await nodeOf(cluster, 'high')).toBe('node-0');
  });

  it('does not preempt for a pod that says Never', async () => {
    const cluster = await start(1);
    await cluster.admin.create(priorityClasses, {
      metadata: { name: 'meek' },
      value: 1000,
      preemptionPolicy: 'Never',
    });
    await create(cluster, 'low', { cpu: '3' });
    await nodeOf(cluster, 'low');
    await create(cluster, 'meek', { cpu: '3' }, { priorityClassName: 'meek' });
    const { message } = await reasonOf(cluster, 'meek');
    expect(message).toBe(
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
    );
  });

  it('goes on where a scheduler that died left off', async () => {
    const cluster = await start(1, 0);
    await create(cluster, 'early', { cpu: '1' });
    const first = new AbortController();
    await startScheduler({
      client: cluster.scheduler,
      clock: systemClock,
      log: silentLogger,
      signal: first.signal,
    });
    await nodeOf(cluster, 'early');
    first.abort(new Error('killed'));
    await create(cluster, 'late', { cpu: '4' });
    await create(cluster, 'fits', { cpu: '3' });
    await startScheduler({
      client: cluster.scheduler,
      clock: systemClock,
      log: silentLogger,
      signal: stop.signal,
    });
    expect(await nodeOf(cluster, 'fits')).toBe('node-0');
    // The pod that was there before still counts.
    expect((await reasonOf(cluster, 'late')).message).toContain('1 Insufficient cpu');
  });

  it('leaves a pod of another scheduler alone', async () => {
    const cluster = await start(1);
    await create(cluster, 'foreign', { cpu: '1' }, { schedulerName: 'another' });
    await create(cluster, 'own', { cpu: '1' });
    await nodeOf(cluster, 'own');
    expect((await get(cluster, 'foreign')).spec.nodeName).toBeUndefined();
  });
});
