import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type TestContainerd, whyNoContainers } from '../../support/containerd.ts';
import { busyboxName, NodeWorld, type RunningAgent, startAgent, startRuntime } from './harness.ts';

const reason = whyNoContainers();
const wait = { timeout: 20_000, interval: 50 };

describe.skipIf(reason !== undefined)(`pods on a real runtime${reason ? ` (${reason})` : ''}`, () => {
  let containerd: TestContainerd;
  let world: NodeWorld;
  let running: RunningAgent;

  beforeAll(async () => {
    containerd = await startRuntime();
    world = new NodeWorld();
    running = await startAgent(containerd, world);
  }, 60_000);

  afterAll(async () => {
    await running?.stop();
    await containerd?.stop();
  }, 60_000);

  const exec = async (uid: string, command: string) => {
    const id = world.status(uid).containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '';
    const { stdout } = await running.runtime.execSync(id, ['sh', '-c', command], 10);
    return Buffer.from(stdout).toString('utf8').trim();
  };

  it('runs a container, says so, and removes it without leftovers', async () => {
    const pod = world.create({
      metadata: { name: 'web' },
      spec: {
        containers: [
          {
            name: 'app',
            image: busyboxName,
            command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'],
            resources: { requests: { cpu: '100m', memory: '32Mi' }, limits: { memory: '64Mi' } },
          },
        ],
      },
    });
    const { uid } = pod.metadata;
    await vi.waitFor(() => expect(world.status(uid).phase).toBe('Running'), wait);
    const status = world.status(uid);
    expect(status.podIP).toMatch(/^10\.77\.0\./);
    expect(status.qosClass).toBe('Burstable');
    expect(status.containerStatuses?.[0]).toMatchObject({
      name: 'app',
      ready: true,
      started: true,
      restartCount: 0,
    });
    expect(status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True' });
    expect(world.eventsOf(uid)).toEqual([
      `Pulled: Container image "${busyboxName}" already present on machine and can be accessed by the pod`,
      'Created: Container created',
      'Started: Container started',
    ]);
    expect(await exec(uid, 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes')).toBe(String(64 * 1024 * 1024));
    expect(await exec(uid, 'hostname')).toBe('web');
    expect(await exec(uid, 'grep nameserver /etc/resolv.conf')).toBe('nameserver 10.96.0.10');
    expect(await exec(uid, 'grep web /etc/hosts')).toBe(`${status.podIP}\tweb`);

    world.delete(uid);
    await vi.waitFor(() => expect(world.objects.has(uid)).toBe(false), wait);
    expect(await running.runtime.listPodSandboxes()).toEqual([]);
    expect(await running.runtime.listContainers()).toEqual([]);
    expect(world.eventsOf(uid)).toContain('Killing: Stopping container app');
  });
});
