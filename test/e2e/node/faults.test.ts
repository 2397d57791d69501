import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import type { PodSpec } from '../../../lib/api/gen/types.ts';
import { removeDeadContainers } from '../../../node-agent/pods/garbage.ts';
import { rotateIfLarge } from '../../../node-agent/pods/log-rotation.ts';
import { nodePaths } from '../../../node-agent/pods/paths.ts';
import { createPodLookup } from '../../../node-agent/pods/pod-lookup.ts';
import { type TestContainerd, whyNoContainers } from '../../support/containerd.ts';
import { busyboxName, NodeWorld, type RunningAgent, startAgent, startRuntime } from './harness.ts';

const reason = whyNoContainers();
const wait = { timeout: 120_000, interval: 50 };
const sleeper = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
const sh = (name: string, script: string) => ({ name, image: busyboxName, command: ['sh', '-c', script] });

vi.setConfig({ testTimeout: 420_000 });

describe.skipIf(reason !== undefined)(`faults and ends of pods${reason ? ` (${reason})` : ''}`, () => {
  let containerd: TestContainerd;
  let world: NodeWorld;
  let running: RunningAgent;

  beforeAll(async () => {
    containerd = await startRuntime();
    world = new NodeWorld();
    running = await startAgent(containerd, world);
  }, 240_000);

  afterAll(async () => {
    await running?.stop();
    await containerd?.stop();
  }, 240_000);

  const create = (name: string, spec: Partial<PodSpec>) =>
    world.create({ metadata: { name }, spec: { containers: [sh('app', sleeper)], ...spec } }).metadata.uid;
  const isRunning = (uid: string) => vi.waitFor(() => expect(world.status(uid).phase).toBe('Running'), wait);
  const isGone = (uid: string) => vi.waitFor(() => expect(world.objects.has(uid)).toBe(false), wait);
  const sandboxesOf = (uid: string) =>
    running.runtime.listPodSandboxes({ labelSelector: { 'io.kubernetes.pod.uid': uid } });

  it('goes on when the runtime was killed and came back', async () => {
    const uid = create('runtime', {});
    await isRunning(uid);
    const before = world.status(uid).containerStatuses;
    await containerd.restart();
    const second = create('after', {});
    await isRunning(second);
    expect(world.status(uid).containerStatuses).toEqual(before);
    for (const each of [uid, second]) {
      world.delete(each);
      await isGone(each);
    }
  });

  it('ends and cleans up a pod that was removed by force', async () => {
    const uid = create('forced', { containers: [sh('app', "trap '' TERM; while :; do sleep 0.1; done")] });
    await isRunning(uid);
    world.drop(uid);
    await vi.waitFor(async () => {
      expect(await sandboxesOf(uid)).toEqual([]);
      const files = await readdir(running.stateDir, { recursive: true });
      expect(files.filter((path) => path.includes(uid))).toEqual([]);
    }, wait);
  });

  it('kills what does not end by itself, sooner when the grace period is shortened', async () => {
    const uid = create('stubborn', { containers: [sh('app', "trap '' TERM; while :; do sleep 0.1; done")] });
    await isRunning(uid);
    const startedMs = Date.now();
    world.delete(uid, 300);
    await vi.waitFor(() => expect(world.eventsOf(uid)).toContain('Killing: Stopping container app'), wait);
    world.delete(uid, 2);
    await isGone(uid);
    expect(Date.now() - startedMs).toBeLessThan(150_000);
  });

  it('ends a pod whose time is over', async () => {
    const uid = create('deadline', { activeDeadlineSeconds: 1 });
    await vi.waitFor(
      () => expect(world.status(uid)).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' }),
      wait,
    );
    expect(world.status(uid).message).toBe('Pod was active on the node longer than the specified deadline');
    world.delete(uid);
    await isGone(uid);
  });

  it('refuses what the node cannot take', async () => {
    const resources = { requests: { cpu: '64' } };
    const uid = create('large', { containers: [{ ...sh('app', sleeper), resources }] });
    await vi.waitFor(
      () => expect(world.status(uid)).toMatchObject({ phase: 'Failed', reason: 'OutOfcpu' }),
      wait,
    );
    expect(await sandboxesOf(uid)).toEqual([]);
    world.delete(uid);
    await isGone(uid);
  });

  it("shares the node's network, and processes within a pod", async () => {
    const uid = create('host', {
      hostNetwork: true,
      shareProcessNamespace: true,
      containers: [sh('app', sleeper), sh('peer', 'exec sleep 4711')],
    });
    await isRunning(uid);
    const status = world.status(uid);
    expect(status.podIP).toBe('192.0.2.1');
    const app = status.containerStatuses
      ?.find(({ name }) => name === 'app')
      ?.containerID?.slice('containerd://'.length);
    const { stdout } = await running.runtime.execSync(app ?? '', ['ps', '-o', 'args'], 5);
    expect(Buffer.from(stdout).toString('utf8')).toContain('sleep 4711');
    expect(Buffer.from(stdout).toString('utf8')).toContain('/pause');
    world.delete(uid);
    await isGone(uid);
  });

  it('keeps the rules of its security context', async () => {
    const uid = create('secure', {
      securityContext: { runAsUser: 1000, runAsGroup: 3000, supplementalGroups: [4000] },
      containers: [
        {
          ...sh('app', sleeper),
          securityContext: {
            readOnlyRootFilesystem: true,
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    });
    await isRunning(uid);
    const id = world.status(uid).containerStatuses?.[0]?.containerID?.slice('containerd://'.length) ?? '';
    const script = "id -u; id -g; id -G; grep -E 'NoNewPrivs|CapBnd' /proc/self/status; touch /x 2>&1";
    const { stdout } = await running.runtime.execSync(id, ['sh', '-c', script], 5);
    expect(Buffer.from(stdout).toString('utf8').trim().split(/\s*\n/)).toEqual([
      '1000',
      '3000',
      '3000 4000',
      'CapBnd:\t0000000000000000',
      'NoNewPrivs:\t1',
      'touch: /x: Read-only file system',
    ]);
    world.delete(uid);
    await isGone(uid);
  });

  it('says that memory ran out', async () => {
    const uid = create('hungry', {
      restartPolicy: 'Never',
      containers: [{ ...sh('app', 'tail /dev/zero'), resources: { limits: { memory: '16Mi' } } }],
    });
    await vi.waitFor(() => expect(world.status(uid).phase).toBe('Failed'), wait);
    expect(world.status(uid).containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 137,
      reason: 'OOMKilled',
    });
    world.delete(uid);
    await isGone(uid);
  });

  it('finds logs, containers and sandboxes for those who ask, and says why not', async () => {
    const { runtime, agent } = running;
    const lookup = createPodLookup({
      runtime,
      owner: 'node',
      pods: () => agent.pods(),
      status: (uid) => agent.status(uid),
    });
    const uid = create('seen', {
      containers: [
        sh('app', `echo hello; ${sleeper}`),
        { name: 'broken', image: 'kumulus.test/none:1', imagePullPolicy: 'Never' },
      ],
    });
    const ref = { namespace: 'default', pod: 'seen', container: 'app' };
    await vi.waitFor(async () => expect((await lookup.runningContainer(ref)).podUid).toBe(uid), wait);
    const log = await lookup.containerLog(ref, { previous: false });
    await vi.waitFor(
      async () => expect(await readFile(log.logPath, 'utf8')).toMatch(/^\S+ stdout F hello\n$/),
      wait,
    );
    expect(await log.isRunning()).toBe(true);
    expect((await lookup.readySandbox(ref)).podIp).toMatch(/^10\.77\./);
    await expect(lookup.runningContainer({ ...ref, pod: 'nobody' })).rejects.toThrow(
      'pod "nobody" does not exist',
    );
    await expect(lookup.runningContainer({ ...ref, container: 'x' })).rejects.toThrow(
      'container "x" not found in pod "seen"',
    );
    await expect(lookup.runningContainer({ ...ref, container: 'broken' })).rejects.toThrow(
      'container not found ("broken")',
    );
    await expect(lookup.containerLog(ref, { previous: true })).rejects.toThrow(
      'previous terminated container "app" in pod "seen" not found',
    );
    await vi.waitFor(
      () =>
        expect(lookup.containerLog({ ...ref, container: 'broken' }, { previous: false })).rejects.toThrow(
          'container "broken" in pod "seen" is waiting to start: ErrImageNeverPull',
        ),
      wait,
    );
    world.delete(uid);
    await isGone(uid);
  });

  it('rotates logs and removes dead containers', async () => {
    const paths = nodePaths(running.stateDir);
    const options = { runtime: running.runtime, owner: 'node', paths, clock: systemClock, log: silentLogger };
    const uid = create('loud', {
      containers: [sh('app', 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done')],
    });
    await isRunning(uid);
    const labelSelector = { 'io.kubernetes.pod.uid': uid };
    const [container] = await running.runtime.listContainers({ labelSelector });
    const logs = join(paths.logs, `default_loud_${uid}`, 'app');
    await vi.waitFor(
      async () => expect(await readFile(join(logs, '0.log'), 'utf8')).toContain('line 3'),
      wait,
    );
    if (!container) throw new Error('the container is gone');
    await rotateIfLarge({ ...options, limits: { maxBytes: 10, maxFiles: 3 } }, container);
    await vi.waitFor(
      async () => expect(await readFile(join(logs, '0.log'), 'utf8')).toMatch(/^\S+ stdout F line \d+\n/),
      wait,
    );
    expect((await readdir(logs)).sort()).toEqual(['0.log', expect.stringMatching(/^0\.log\.\d{8}-\d{6}$/)]);

    await running.runtime.stopContainer(container.id, 0);
    await vi.waitFor(
      () => expect(world.status(uid).containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true }),
      wait,
    );
    await removeDeadContainers(options);
    const ids = (await running.runtime.listContainers({ labelSelector })).map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(ids).toContain(container.id);
    world.delete(uid, 1);
    await isGone(uid);
  });
});
