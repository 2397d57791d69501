import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ContainerStatus, CoreV1Event, Pod } from '../../../lib/api/gen/types.ts';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { loadHello } from '../../support/hello.ts';
import { eventually } from '../../support/wait.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
  await loadHello(cluster);
});
afterAll(() => cluster?.remove());

test("a missing image: ErrImagePull, then ImagePullBackOff, with the runtime's message in an Event", async () => {
  await cluster.kubectl('run absent --image=127.0.0.1:1/nowhere:1 --restart=Never');
  // The first may be over between two looks at the status; its Event stays.
  const events = await eventually('both reasons', async () => {
    const all = await eventsOf('absent');
    const told = (reason: string) => all.some(({ message }) => message === `Error: ${reason}`);
    return told('ErrImagePull') && told('ImagePullBackOff') && all;
  });
  await eventually(
    'the second in the status',
    async () => (await statusOf('absent'))?.state?.waiting?.reason === 'ImagePullBackOff',
  );
  expect(events.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['Scheduled', 'Pulling', 'Failed', 'BackOff']),
  );
  const failed = events.find(({ message }) => message?.startsWith('Failed to pull image'));
  expect(failed?.message).toMatch(/^Failed to pull image "127\.0\.0\.1:1\/nowhere:1": .*connection refused/s);
  expect(await cluster.kubectl('get pod absent')).toMatch(
    /absent\s+0\/1\s+(ImagePullBackOff|ErrImagePull)\s+0\s/,
  );
});

test('a failing container: CrashLoopBackOff with its restart count and its last state', async () => {
  await cluster.kubectl("run failing --image=hello:1.0 --command -- sh -c 'echo about to fail; exit 7'");
  const status = await eventually(
    'CrashLoopBackOff after a restart',
    async () => {
      const now = await statusOf('failing');
      return now?.state?.waiting?.reason === 'CrashLoopBackOff' && now.restartCount >= 1 && now;
    },
    { withinMs: 180_000 },
  );
  expect(status.lastState?.terminated).toMatchObject({ exitCode: 7, reason: 'Error' });
  expect(status.state?.waiting?.message).toMatch(
    /^back-off \d+s restarting failed container=failing pod=failing_default\(.*\)$/,
  );
  expect(await cluster.kubectl('logs failing --previous')).toBe('about to fail\n');
  expect((await eventsOf('failing')).map(({ reason }) => reason)).toContain('BackOff');
  expect(await cluster.kubectl('get pod failing')).toMatch(/failing\s+0\/1\s+CrashLoopBackOff\s+[1-9]/);
});

test('an init container that fails keeps the others from starting', async () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'init' },
    spec: {
      restartPolicy: 'Never',
      initContainers: [{ name: 'first', image: 'hello:1.0', command: ['sh', '-c', 'exit 3'] }],
      containers: [{ name: 'main', image: 'hello:1.0' }],
    },
  };
  await cluster.kubectl('apply -f -', { input: JSON.stringify(pod) });
  const failed = await eventually('the pod failed', async () => {
    const now = JSON.parse(await cluster.kubectl('get pod init -o json')) as Pod;
    return now.status?.phase === 'Failed' && now;
  });
  expect(failed.status?.initContainerStatuses?.[0]?.state?.terminated?.exitCode).toBe(3);
  expect(failed.status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing');
  expect(await cluster.kubectl('get pod init')).toMatch(/init\s+0\/1\s+Init:Error\s/);
});

async function statusOf(name: string): Promise<ContainerStatus | undefined> {
  const pod = JSON.parse(await cluster.kubectl(`get pod ${name} -o json`)) as Pod;
  return pod.status?.containerStatuses?.[0];
}

async function eventsOf(name: string): Promise<CoreV1Event[]> {
  const list = await cluster.kubectl(`get events --field-selector=involvedObject.name=${name} -o json`);
  return (JSON.parse(list) as { items: CoreV1Event[] }).items;
}
