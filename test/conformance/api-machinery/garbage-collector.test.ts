import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReplicationController } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { pods, replicationControllers } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { podsOf, readyPods, replicationController } from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

function create(
  namespace: string,
  name: string,
  replicas: number,
): Promise<Persisted<ReplicationController>> {
  const made = replicationController(name, { replicas });
  return plane.client.create(replicationControllers, { ...made, metadata: { ...made.metadata, namespace } });
}

function remove(
  namespace: string,
  name: string,
  propagationPolicy: 'Background' | 'Foreground' | 'Orphan',
): Promise<void> {
  return plane.client.delete(replicationControllers, { namespace, name }, { propagationPolicy });
}

async function isThere(namespace: string, name: string): Promise<boolean> {
  const path = `/api/v1/namespaces/${namespace}/replicationcontrollers/${name}`;
  return (await plane.call('GET', path)).status === 200;
}

test('Garbage collector should delete pods created by rc when not orphaning', async () => {
  const namespace = await plane.namespace();
  await create(namespace, 'rc', 10);
  await readyPods(plane, namespace, 10);
  await remove(namespace, 'rc', 'Background');
  await eventually('no pods', async () => (await podsOf(plane, namespace)).length === 0);
  expect(await isThere(namespace, 'rc')).toBe(false);
});

test('Garbage collector should orphan pods created by rc if delete options say so', async () => {
  const namespace = await plane.namespace();
  await create(namespace, 'rc', 100);
  const before = await readyPods(plane, namespace, 100);
  await remove(namespace, 'rc', 'Orphan');
  await eventually('the rc to be gone', async () => !(await isThere(namespace, 'rc')));
  const after = await podsOf(plane, namespace);
  expect(after.map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid));
  expect(after.flatMap(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([]);
});

test('Garbage collector should keep the rc around until all its pods are deleted if the deleteOptions says so', async () => {
  const namespace = await plane.namespace();
  await create(namespace, 'rc', 5);
  const [held] = await readyPods(plane, namespace, 5);
  const ref = { namespace, name: held?.metadata.name ?? '' };
  const holding = (finalizers: string[] | null) => ({
    type: 'merge' as const,
    patch: { metadata: { finalizers } },
  });
  await plane.client.patch(pods, ref, holding(['example.com/hold']));
  await remove(namespace, 'rc', 'Foreground');
  await eventually('one pod left', async () => (await podsOf(plane, namespace)).length === 1);
  const owner = await plane.client.get(replicationControllers, { namespace, name: 'rc' });
  expect(owner.metadata.deletionTimestamp).toBeDefined();
  expect(owner.metadata.finalizers).toEqual(['foregroundDeletion']);
  await plane.client.patch(pods, ref, holding(null));
  await eventually('the rc to be gone', async () => !(await isThere(namespace, 'rc')));
  expect(await podsOf(plane, namespace)).toEqual([]);
});

test("Garbage collector should not delete dependents that have both valid owner and owner that's waiting for dependents to be deleted", async () => {
  const namespace = await plane.namespace();
  await create(namespace, 'going', 10);
  const stays = await create(namespace, 'stays', 0);
  const all = await readyPods(plane, namespace, 10);
  const shared = all.slice(0, 5).map(({ metadata }) => metadata);
  const reference = {
    apiVersion: 'v1',
    kind: 'ReplicationController',
    name: 'stays',
    uid: stays.metadata.uid,
  };
  for (const { name } of shared) {
    const patch = { metadata: { ownerReferences: [reference] } };
    await plane.client.patch(pods, { namespace, name }, { type: 'strategic', patch });
  }
  await remove(namespace, 'going', 'Foreground');
  await eventually('its own pods and itself to be gone', async () => {
    return (await podsOf(plane, namespace)).length === 5 && !(await isThere(namespace, 'going'));
  });
  const left = await podsOf(plane, namespace);
  expect(left.map(({ metadata }) => metadata.uid)).toEqual(shared.map(({ uid }) => uid));
  expect(left.map(({ metadata }) => metadata.ownerReferences?.map(({ uid }) => uid))).toEqual(
    shared.map(() => [stays.metadata.uid]),
  );
  expect(left.every(({ metadata }) => !metadata.deletionTimestamp)).toBe(true);
});
