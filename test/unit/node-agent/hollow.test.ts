import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Pod, PodSpec } from '../../../lib/api/gen/types.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { clusterRoleBindings, events, nodes, pods, secrets } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { defaultHollowCapacity } from '../../../node-agent/hollow/config.ts';
import { simulate } from '../../../node-agent/hollow/index.ts';
import { podOf, startControlPlane } from '../../bench/scheduler/cluster.ts';
import { eventually } from '../../support/wait.ts';

/** The only identity that the process of all hollow nodes has. */
const identity = 'system:kumulus:hollow-nodes';
let controlPlane: Awaited<ReturnType<typeof startControlPlane>>;
let stop: AbortController;
let running: Promise<void>;

beforeEach(async () => {
  controlPlane = await startControlPlane();
  stop = new AbortController();
  running = simulate(
    controlPlane.user(identity),
    { namePrefix: 'hollow-', count: 3, capacity: defaultHollowCapacity },
    { clock: systemClock, random: () => 0.5, log: silentLogger, signal: stop.signal },
  );
  await eventually('three nodes are ready', async () => {
    const { items } = await controlPlane.admin.list(nodes);
    const isReady = items.map(({ status }) =>
      status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    );
    return isReady.length === 3 && isReady.every(Boolean);
  });
});

afterEach(async () => {
  stop.abort(new Error('the test ended'));
  await running;
  await controlPlane.close();
});

interface Wanted {
  requests?: Record<string, string>;
  annotations?: Record<string, string>;
  spec?: Partial<PodSpec>;
}

async function place(name: string, nodeName: string, { requests, annotations, spec }: Wanted = {}) {
  const pod = podOf({ prefix: name, spec: { nodeName, ...spec }, ...(requests && { requests }) }, 0);
  await controlPlane.admin.create(pods, { ...pod, metadata: { ...pod.metadata, annotations } });
}

const get = (name: string) => controlPlane.admin.get(pods, { namespace: 'default', name: `${name}-0` });

const inPhase = (name: string, phase: string): Promise<Pod> =>
  eventually(`${name} is ${phase}`, async () => {
    const pod = await get(name);
    return pod.status?.phase === phase && pod;
  });

describe('hollow nodes, with the rights of their own role alone', () => {
  it('run pods with addresses of their own, until they are deleted', async () => {
    for (const [index, name] of ['one', 'two', 'three'].entries()) await place(name, `hollow-${index + 1}`);
    const all = await Promise.all(['one', 'two', 'three'].map((name) => inPhase(name, 'Running')));
    expect(new Set(all.map(({ status }) => status?.podIP)).size).toBe(3);
    for (const { status } of all) {
      expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    }
    await controlPlane.admin.delete(pods, { namespace: 'default', name: 'one-0' });
    await eventually('the pod is gone', async () => {
      const { items } = await controlPlane.admin.list(pods);
      return items.every(({ metadata }) => metadata.name !== 'one-0');
    });
  });

  it('end pods as their annotations and deadlines say', async () => {
    const spec = { restartPolicy: 'Never' };
    await place('good', 'hollow-1', { spec, annotations: { 'hollow.kumulus.io/run-seconds': '0' } });
    const failing = { 'hollow.kumulus.io/run-seconds': '0', 'hollow.kumulus.io/exit-code': '3' };
    await place('bad', 'hollow-1', { spec, annotations: failing });
    await place('late', 'hollow-1', { spec: { ...spec, activeDeadlineSeconds: 1 } });
    await inPhase('good', 'Succeeded');
    const bad = await inPhase('bad', 'Failed');
    expect(bad.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(3);
    expect((await inPhase('late', 'Failed')).status?.reason).toBe('DeadlineExceeded');
  });

  it('turn down what they have no room for, and say so', async () => {
    await place('large', 'hollow-2', { requests: { cpu: '3' } });
    await inPhase('large', 'Running');
    await place('more', 'hollow-2', { requests: { cpu: '2' } });
    expect((await inPhase('more', 'Failed')).status?.reason).toBe('OutOfcpu');
    await eventually('an event says why', async () => {
      const { items } = await controlPlane.admin.list(events);
      return items.some(
        ({ reason, involvedObject }) => reason === 'OutOfcpu' && involvedObject.name === 'more-0',
      );
    });
  });

  it('may not do what no node needs', async () => {
    const client: KubeClient = controlPlane.user(identity);
    const ref = { namespace: 'default', name: 'x' };
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: ref,
      target: { kind: 'Node', name: 'hollow-1' },
    };
    for (const attempt of [
      () => client.list(secrets),
      () => client.create(pods, podOf({ prefix: 'x' }, 0)),
      () => client.delete(nodes, { name: 'hollow-1' }),
      () => client.createSubresource(pods, ref, 'binding', binding),
      () => client.list(clusterRoleBindings),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ kind: 'Forbidden' });
    }
  });
});
