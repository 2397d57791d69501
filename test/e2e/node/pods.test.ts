import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type TestContainerd, whyNoContainers } from '../../support/containerd.ts';
import { busyboxName, NodeWorld, type RunningAgent, startAgent, startRuntime } from './harness.ts';

const reason = whyNoContainers();
const wait = { timeout: 120_000, interval: 50 };

vi.setConfig({ testTimeout: 420_000 });

describe.skipIf(reason !== undefined)(`pods on a real runtime${reason ? ` (${reason})` : ''}`, () => {
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

  const exec = async (uid: string, command: string) => {
    const id = world.status(uid).containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '';
    const { stdout } = await running.runtime.execSync(id, ['sh', '-c', command], 10);
    return Buffer.from(stdout).toString('utf8').trim();
  };

  /** All that the runtime and the disk still have of a pod. */
  const leftovers = async (uid: string) => {
    const labelSelector = { 'io.kubernetes.pod.uid': uid };
    const directories = await readdir(running.stateDir, { recursive: true });
    return [
      ...(await running.runtime.listPodSandboxes({ labelSelector })).map(({ id }) => id),
      ...(await running.runtime.listContainers({ labelSelector })).map(({ id }) => id),
      ...directories.filter((path) => path.includes(uid)),
    ];
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
    expect(await leftovers(uid)).toEqual([]);
    expect(world.eventsOf(uid)).toContain('Killing: Stopping container app');
  });

  const sh = (name: string, script: string) => ({ name, image: busyboxName, command: ['sh', '-c', script] });
  const sleeper = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
  const removed = async (uid: string) => {
    world.delete(uid, 2);
    await vi.waitFor(() => expect(world.objects.has(uid)).toBe(false), wait);
  };

  it('runs init containers one after another, keeps sidecars, then the others', async () => {
    const { uid } = world.create({
      metadata: { name: 'init' },
      spec: {
        initContainers: [
          sh('first', 'sleep 0.3; echo one > /data/order'),
          {
            ...sh('side', `echo side >> /data/order; ${sleeper}`),
            restartPolicy: 'Always',
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
          sh('second', 'echo two >> /data/order'),
        ].map((c) => ({ ...c, volumeMounts: [{ name: 'data', mountPath: '/data' }] })),
        containers: [{ ...sh('app', sleeper), volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
        volumes: [{ name: 'data', emptyDir: {} }],
      },
    }).metadata;
    await vi.waitFor(() => expect(world.status(uid).phase).toBe('Running'), wait);
    expect(await exec(uid, 'cat /data/order')).toBe('one\nside\ntwo');
    const init = world.status(uid).initContainerStatuses ?? [];
    expect(init.map(({ name, ready }) => [name, ready])).toEqual([
      ['first', true],
      ['side', true],
      ['second', true],
    ]);
    expect(init[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    await removed(uid);
  });

  it('succeeds or fails as its containers do when they are not restarted', async () => {
    const create = (name: string, script: string) =>
      world.create({ metadata: { name }, spec: { restartPolicy: 'Never', containers: [sh('job', script)] } })
        .metadata.uid;
    const good = create('good', 'echo done > /dev/termination-log');
    const bad = create('bad', 'echo broken > /dev/termination-log; exit 3');
    await vi.waitFor(
      () => expect([world.status(good).phase, world.status(bad).phase]).toEqual(['Succeeded', 'Failed']),
      wait,
    );
    expect(world.status(good).containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 0,
      message: 'done\n',
    });
    expect(world.status(bad).containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 3,
      reason: 'Error',
      message: 'broken\n',
    });
    expect(world.status(good).conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodCompleted',
    });
    await removed(good);
    await removed(bad);
  });

  it('backs off from a container that keeps failing', async () => {
    const { uid } = world.create({
      metadata: { name: 'crash' },
      spec: { containers: [sh('app', 'echo no > /dev/termination-log; exit 7')] },
    }).metadata;
    await vi.waitFor(
      () => expect(world.status(uid).containerStatuses?.[0]?.state?.waiting?.reason).toBe('CrashLoopBackOff'),
      wait,
    );
    const status = world.status(uid).containerStatuses?.[0];
    expect(status).toMatchObject({
      restartCount: 1,
      ready: false,
      state: {
        waiting: { message: `back-off 10s restarting failed container=app pod=crash_default(${uid})` },
      },
      lastState: { terminated: { exitCode: 7, reason: 'Error', message: 'no\n' } },
    });
    expect(world.status(uid).phase).toBe('Running');
    expect(world.eventsOf(uid)).toContain(
      `BackOff: Back-off restarting failed container app in pod crash_default(${uid})`,
    );
    await removed(uid);
  });

  it('says why an image does not come', async () => {
    const create = (name: string, image: string, imagePullPolicy: string) =>
      world.create({ metadata: { name }, spec: { containers: [{ name: 'app', image, imagePullPolicy }] } })
        .metadata.uid;
    const missing = create('missing', 'registry.invalid/nothing:1', 'IfNotPresent');
    const never = create('never', 'kumulus.test/absent:1', 'Never');
    const broken = create('broken', 'Not A Name', 'IfNotPresent');
    const waiting = (uid: string) => world.status(uid).containerStatuses?.[0]?.state?.waiting;
    await vi.waitFor(
      () => expect(waiting(missing)?.reason).toMatch(/^(ErrImagePull|ImagePullBackOff)$/),
      wait,
    );
    await vi.waitFor(() => expect(waiting(never)?.reason).toBe('ErrImageNeverPull'), wait);
    await vi.waitFor(() => expect(waiting(broken)?.reason).toBe('InvalidImageName'), wait);
    expect(waiting(missing)?.message).toContain(
      'failed to pull and unpack image "registry.invalid/nothing:1"',
    );
    const events = world.eventsOf(missing);
    expect(events[0]).toBe('Pulling: Pulling image "registry.invalid/nothing:1"');
    expect(events[1]).toMatch(
      /^Failed: Failed to pull image "registry.invalid\/nothing:1": rpc error: code = /,
    );
    expect(events[2]).toBe('Failed: Error: ErrImagePull');
    expect(waiting(never)?.message).toBe(
      'Container image "kumulus.test/absent:1" is not present with pull policy of Never',
    );
    for (const uid of [missing, never, broken]) await removed(uid);
  });

  it('gives containers their variables and refuses what leads nowhere', async () => {
    world.configMaps.set('default/settings', {
      metadata: { name: 'settings' },
      data: { color: 'blue', SIZE: 'big' },
    });
    world.secrets.set('default/keys', {
      metadata: { name: 'keys' },
      data: { token: Buffer.from('s3cret').toString('base64') },
    });
    const env = [
      { name: 'PLAIN', value: 'x' },
      { name: 'BUILT', value: '$(PLAIN)-$(COLOR)-$(UNKNOWN)-$$(PLAIN)' },
      { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'token' } } },
      { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
    ];
    const { uid } = world.create({
      metadata: { name: 'env' },
      spec: {
        containers: [
          {
            ...sh('app', sleeper),
            env: [
              { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
              ...env,
            ],
            envFrom: [{ prefix: 'P_', configMapRef: { name: 'settings' } }],
          },
        ],
      },
    }).metadata;
    const { uid: lost } = world.create({
      metadata: { name: 'lost' },
      spec: { containers: [{ ...sh('app', sleeper), envFrom: [{ configMapRef: { name: 'nowhere' } }] }] },
    }).metadata;
    await vi.waitFor(() => expect(world.status(uid).phase).toBe('Running'), wait);
    expect(
      await exec(
        uid,
        'echo $COLOR $TOKEN $NAME $CPU $P_SIZE; echo "$BUILT"; test $IP = $(hostname -i) && echo ok',
      ),
    ).toBe('blue s3cret env 2 big\nx-blue-$(UNKNOWN)-$(PLAIN)\nok');
    await vi.waitFor(
      () =>
        expect(world.status(lost).containerStatuses?.[0]?.state?.waiting).toEqual({
          reason: 'CreateContainerConfigError',
          message: 'configmap "nowhere" not found',
        }),
      wait,
    );
    await removed(uid);
    await removed(lost);
  });

  it('mounts volumes and brings changes of their sources in', async () => {
    world.configMaps.set('default/page', {
      metadata: { name: 'page' },
      data: { 'index.html': 'one', other: 'o' },
    });
    world.secrets.set('default/tls', {
      metadata: { name: 'tls' },
      data: { key: Buffer.from('k').toString('base64') },
    });
    const { uid } = world.create({
      metadata: { name: 'volumes', labels: { app: 'v' } },
      spec: {
        securityContext: { fsGroup: 2000 },
        containers: [
          {
            ...sh('app', sleeper),
            securityContext: { runAsUser: 1000 },
            volumeMounts: [
              { name: 'page', mountPath: '/page' },
              { name: 'page', mountPath: '/one/index.html', subPath: 'index.html' },
              { name: 'tls', mountPath: '/tls' },
              { name: 'all', mountPath: '/all' },
              { name: 'scratch', mountPath: '/scratch' },
              { name: 'scratch', mountPath: '/part', subPath: 'a/b' },
              { name: 'memory', mountPath: '/memory' },
              { name: 'host', mountPath: '/host', readOnly: true },
            ],
          },
        ],
        volumes: [
          { name: 'page', configMap: { name: 'page' } },
          { name: 'tls', secret: { secretName: 'tls', defaultMode: 0o400 } },
          {
            name: 'all',
            projected: {
              sources: [
                { serviceAccountToken: { path: 'token', audience: 'vault' } },
                { configMap: { name: 'page', items: [{ key: 'other', path: 'deep/er', mode: 0o600 }] } },
                { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
              ],
            },
          },
          { name: 'scratch', emptyDir: {} },
          { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
          { name: 'host', hostPath: { path: '/etc', type: 'Directory' } },
        ],
      },
    }).metadata;
    await vi.waitFor(() => expect(world.status(uid).phase).toBe('Running'), wait);
    expect(
      await exec(uid, 'cat /page/index.html /one/index.html /tls/key /all/token /all/deep/er /all/labels'),
    ).toBe('oneonektoken-for-vaultoapp="v"');
    expect(await exec(uid, 'stat -L -c %a:%g /tls/key /all/token /page/index.html /scratch')).toBe(
      '440:2000\n640:2000\n644:2000\n2777:2000',
    );
    expect(
      await exec(uid, 'touch /page/x 2>/dev/null || echo read-only; echo hi > /part/f; cat /scratch/a/b/f'),
    ).toBe('read-only\nhi');
    expect(await exec(uid, "df -k /memory | awk 'END{print $2}'; test -f /host/passwd && echo host")).toBe(
      '1024\nhost',
    );

    world.configMaps.set('default/page', {
      metadata: { name: 'page' },
      data: { 'index.html': 'two', other: 'o' },
    });
    world.put({ ...world.get(uid), metadata: { ...world.get(uid).metadata, labels: { app: 'w' } } });
    await vi.waitFor(
      async () => expect(await exec(uid, 'cat /page/index.html /all/labels')).toBe('twoapp="w"'),
      wait,
    );
    expect(await exec(uid, 'cat /one/index.html')).toBe('one');
    await removed(uid);
    expect(await mountsOf(running.stateDir)).toEqual([]);
  });

  it('reports a volume that cannot be mounted', async () => {
    const { uid } = world.create({
      metadata: { name: 'unmounted' },
      spec: {
        containers: [sh('app', sleeper)],
        volumes: [{ name: 'cfg', configMap: { name: 'not-there' } }],
      },
    }).metadata;
    await vi.waitFor(
      () =>
        expect(world.eventsOf(uid)).toContain(
          'FailedMount: MountVolume.SetUp failed for volume "cfg" : configmap "not-there" not found',
        ),
      wait,
    );
    expect(world.status(uid).containerStatuses?.[0]?.state?.waiting?.reason).toBe('ContainerCreating');
    await removed(uid);
  });

  it('probes: a startup gate, readiness without restart, liveness with restart', async () => {
    const probe = (file: string) => ({
      exec: { command: ['test', '-f', file] },
      periodSeconds: 1,
      failureThreshold: 1,
    });
    const { uid } = world.create({
      metadata: { name: 'probed' },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            ...sh('app', `touch /live; ${sleeper}`),
            startupProbe: { ...probe('/started'), failureThreshold: 60 },
            readinessProbe: probe('/ready'),
            livenessProbe: probe('/live'),
          },
        ],
      },
    }).metadata;
    const status = () => world.status(uid).containerStatuses?.[0];
    await vi.waitFor(() => expect(status()?.state?.running).toBeDefined(), wait);
    expect(status()).toMatchObject({ started: false, ready: false });
    await exec(uid, 'touch /started');
    await vi.waitFor(() => expect(status()).toMatchObject({ started: true, ready: false }), wait);
    await exec(uid, 'touch /ready');
    await vi.waitFor(() => expect(status()).toMatchObject({ started: true, ready: true }), wait);
    await exec(uid, 'rm /ready');
    await vi.waitFor(
      () => expect(status()).toMatchObject({ started: true, ready: false, restartCount: 0 }),
      wait,
    );
    expect(world.eventsOf(uid)).toContain('Unhealthy: Readiness probe failed: ');
    await exec(uid, 'rm /live');
    await vi.waitFor(() => expect(status()).toMatchObject({ restartCount: 1 }), wait);
    expect(world.eventsOf(uid)).toContain('Killing: Container app failed liveness probe, will be restarted');
    await removed(uid);
  });

  it('runs hooks: postStart before ready, preStop before the signal', async () => {
    const { uid } = world.create({
      metadata: { name: 'hooks' },
      spec: {
        containers: [
          {
            ...sh('app', "trap 'cat /order > /out/log; exit 0' TERM; while :; do sleep 0.1; done"),
            lifecycle: {
              postStart: { exec: { command: ['sh', '-c', 'echo started >> /order'] } },
              preStop: { exec: { command: ['sh', '-c', 'echo stopping >> /order'] } },
            },
            volumeMounts: [{ name: 'out', mountPath: '/out' }],
          },
        ],
        volumes: [{ name: 'out', hostPath: { path: `${containerd.dir}/hooks`, type: 'DirectoryOrCreate' } }],
      },
    }).metadata;
    await vi.waitFor(() => expect(world.status(uid).phase).toBe('Running'), wait);
    await removed(uid);
    expect(await readFile(`${containerd.dir}/hooks/log`, 'utf8')).toBe('started\nstopping\n');
  });

  it('adopts what runs when it comes back, and ends what nobody knows any more', async () => {
    const create = (name: string) =>
      world.create({ metadata: { name }, spec: { containers: [sh('app', sleeper)] } }).metadata.uid;
    const [kept, lost] = [create('kept'), create('gone')];
    await vi.waitFor(
      () => expect([world.status(kept).phase, world.status(lost).phase]).toEqual(['Running', 'Running']),
      wait,
    );
    const before = world.status(kept).containerStatuses?.[0];
    await running.stop();
    world.objects.delete(lost);
    running = await startAgent(containerd, world);
    await vi.waitFor(async () => expect(await leftovers(lost)).toEqual([]), wait);
    await exec(kept, 'true');
    expect(world.status(kept).containerStatuses?.[0]).toEqual(before);
    await removed(kept);
  });

  it('brings a pod back whose shim was killed', async () => {
    const { uid } = world.create({
      metadata: { name: 'shim' },
      spec: { terminationGracePeriodSeconds: 1, containers: [sh('app', sleeper)] },
    }).metadata;
    await vi.waitFor(() => expect(world.status(uid).phase).toBe('Running'), wait);
    const [sandbox] = await running.runtime.listPodSandboxes({
      labelSelector: { 'io.kubernetes.pod.uid': uid },
    });
    process.kill(await shimOf(sandbox?.id ?? ''), 'SIGKILL');
    await vi.waitFor(
      () => expect(world.status(uid).containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true }),
      wait,
    );
    expect(world.eventsOf(uid)).toContain(
      'SandboxChanged: Pod sandbox changed, it will be killed and re-created.',
    );
    await removed(uid);
    expect(await leftovers(uid)).toEqual([]);
  });
});

/** The shim that serves a sandbox: `containerd-shim-runc-v2 … -id <id>`. */
async function shimOf(id: string): Promise<number> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('containerd-shim') && command.includes(id)) return Number(entry);
  }
  throw new Error(`no shim serves ${id}`);
}

async function mountsOf(directory: string): Promise<string[]> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  return mounts.split('\n').filter((line) => line.includes(` ${directory}/`));
}
