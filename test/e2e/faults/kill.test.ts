import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pod } from '../../../lib/api/gen/types.ts';
import { isAlive, readPidFile } from '../../../lib/process/identity.ts';
import { connectRuntime } from '../../../node-agent/cri/client.ts';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { helloManifest, loadHello } from '../../support/hello.ts';
import { clusterId, commandLine, leftovers } from '../../support/leftovers.ts';
import { eventually } from '../../support/wait.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
  await loadHello(cluster);
  await cluster.kubectl(`apply -f ${helloManifest}`);
  await cluster.kubectl('rollout status deployment/hello --timeout=180s');
});
afterAll(() => cluster?.remove());

test('kill -9 of everything above the containers leaves them running, and the next start adopts them', async () => {
  const before = await containers();
  expect(before).toHaveLength(2);
  await cluster.kubectl('create configmap acknowledged --from-literal=key=value');
  await cluster.kill();
  expect(await runningIds()).toEqual(before.map(({ id }) => id));

  await cluster.start();
  expect(await cluster.kubectl('get configmap acknowledged -o jsonpath={.data.key}')).toBe('value');
  await cluster.kubectl('wait node/node-1 --for=condition=Ready --timeout=180s');
  expect(await containers()).toEqual(before);
  // The cluster still works: what is asked for after the start is done.
  await cluster.kubectl('scale deployment/hello --replicas=3');
  await cluster.kubectl('rollout status deployment/hello --timeout=180s');
  const after = await containers();
  expect(after).toEqual(expect.arrayContaining(before));
  expect(after).toHaveLength(3);
});

test('kill -9 of the agent alone: it comes back and restarts no container', async () => {
  const before = await containers();
  const agent = readPidFile(join(cluster.dataDir, 'nodes/node-1/agent.pid'));
  expect(agent).toBeDefined();
  process.kill(agent?.pid ?? 0, 'SIGKILL');
  await eventually('another agent', () => {
    const now = readPidFile(join(cluster.dataDir, 'nodes/node-1/agent.pid'));
    return now !== undefined && now.pid !== agent?.pid && isAlive(now);
  });
  await cluster.kubectl('scale deployment/hello --replicas=2');
  await eventually('one container fewer', async () => (await containers()).length === 2);
  const after = await containers();
  expect(before).toEqual(expect.arrayContaining(after));
});

test("kill -9 of one pod's shim: its container is started again, the others are left alone", async () => {
  const [victim, other] = await pods();
  const sandbox = await sandboxOf(victim?.metadata.name ?? '');
  process.kill(shimOf(sandbox), 'SIGKILL');
  const restarted = await eventually(
    'the pod ready again with another container',
    async () => {
      const pod = (await pods()).find(({ metadata }) => metadata.name === victim?.metadata.name);
      const status = pod?.status?.containerStatuses?.[0];
      return (
        status?.ready && status.containerID !== victim?.status?.containerStatuses?.[0]?.containerID && status
      );
    },
    { withinMs: 180_000 },
  );
  expect(restarted.restartCount).toBe(1);
  const untouched = (await pods()).find(({ metadata }) => metadata.name === other?.metadata.name);
  expect(untouched?.status?.containerStatuses?.[0]?.restartCount).toBe(0);
});

test('Ctrl-C ends everything and leaves nothing over; the next start runs the same pods', async () => {
  const names = (await pods()).map(({ metadata }) => metadata.name);
  const id = clusterId(cluster.dataDir);
  expect(await cluster.stop()).toBe(0);
  expect(await leftovers({ dataDir: cluster.dataDir, id })).toEqual([]);

  await cluster.start();
  await cluster.kubectl('rollout status deployment/hello --timeout=180s');
  expect((await pods()).map(({ metadata }) => metadata.name)).toEqual(names);
});

async function pods(): Promise<Pod[]> {
  const { items } = JSON.parse(await cluster.kubectl('get pods -l app=hello -o json')) as { items: Pod[] };
  return items;
}

/** The containers as the API reports them. */
async function containers(): Promise<{ id: string; restartCount: number }[]> {
  return (await pods())
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .map(({ containerID, restartCount }) => ({
      id: containerID?.replace('containerd://', '') ?? '',
      restartCount,
    }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** The containers as the runtime has them. */
async function runningIds(): Promise<string[]> {
  return await withRuntime(async (runtime) =>
    (await runtime.listContainers())
      .filter(({ state }) => state === 'CONTAINER_RUNNING')
      .map(({ id }) => id)
      .toSorted(),
  );
}

async function sandboxOf(podName: string): Promise<string> {
  return await withRuntime(async (runtime) => {
    const [sandbox] = await runtime.listPodSandboxes({
      labelSelector: { 'io.kubernetes.pod.name': podName },
    });
    if (!sandbox) throw new Error(`no sandbox of ${podName}`);
    return sandbox.id;
  });
}

/** One shim serves all containers of a sandbox, and says so on its command line. */
function shimOf(sandboxId: string): number {
  const pid = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((name) => commandLine(name).includes(`-id ${sandboxId}`));
  if (!pid) throw new Error(`no shim of ${sandboxId}`);
  return Number(pid);
}

async function withRuntime<T>(use: (runtime: ReturnType<typeof connectRuntime>) => Promise<T>): Promise<T> {
  const runtime = connectRuntime(`unix://${join(cluster.dataDir, 'nodes/node-1/containerd.sock')}`);
  try {
    return await use(runtime);
  } finally {
    runtime.close();
  }
}
