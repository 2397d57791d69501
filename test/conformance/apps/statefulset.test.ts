import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pod, Scale, StatefulSet } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { pods, statefulSets } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch, strategicPatch, unconditional } from '../support/requests.ts';
import { isReady, podsOf, readyPods, setReady, statefulSet } from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

const at = (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/statefulsets`;
const imageOf = ({ spec }: Pod) => spec.containers[0]?.image;

async function create(namespace: string, object: StatefulSet): Promise<Persisted<StatefulSet>> {
  return plane.client.create(statefulSets, { ...object, metadata: { ...object.metadata, namespace } });
}

function get(namespace: string, name = 'ss'): Promise<Persisted<StatefulSet>> {
  return plane.client.get(statefulSets, { namespace, name });
}

async function patch(namespace: string, spec: object): Promise<void> {
  await plane.client.patch(statefulSets, { namespace, name: 'ss' }, { type: 'strategic', patch: { spec } });
}

function imagePatch(image: string): object {
  return { template: { spec: { containers: [{ name: 'web', image }] } } };
}

async function podNames(namespace: string): Promise<string[]> {
  return (await podsOf(plane, namespace)).map(({ metadata }) => metadata.name).sort();
}

function pod(namespace: string, name: string): Promise<Persisted<Pod>> {
  return plane.client.get(pods, { namespace, name });
}

/** Waits until the pods run these images, by ordinal, and are ready. */
function running(namespace: string, ...images: string[]): Promise<Persisted<Pod>[]> {
  return eventually(`pods of ${images.join()}`, async () => {
    const found = await podsOf(plane, namespace);
    return (
      found.length === images.length &&
      found.every(isReady) &&
      found.map(imageOf).join() === images.join() &&
      found
    );
  });
}

function statusOf(namespace: string, fits: (status: NonNullable<StatefulSet['status']>) => boolean) {
  return eventually('the status', async () => {
    const { metadata, status } = await get(namespace);
    return (
      status?.observedGeneration === metadata.generation && status !== undefined && fits(status) && status
    );
  });
}

test('StatefulSet should have a working scale subresource', async () => {
  const namespace = await plane.namespace();
  await create(namespace, statefulSet('ss', { replicas: 1 }));
  await readyPods(plane, namespace, 1);
  const path = `${at(namespace)}/ss/scale`;
  const read = await plane.call<Scale>('GET', path);
  expect([read.json.spec?.replicas, read.json.status?.selector]).toEqual([1, 'app=ss']);
  const put = await plane.call<Scale>('PUT', path, {
    body: { ...unconditional(read.json), spec: { replicas: 2 } },
  });
  expect([put.status, put.json.spec?.replicas]).toEqual([200, 2]);
  expect((await get(namespace)).spec.replicas).toBe(2);
  const patched = await plane.call<Scale>('PATCH', path, {
    body: { spec: { replicas: 4 } },
    contentType: mergePatch,
  });
  expect([patched.status, patched.json.spec?.replicas]).toEqual([200, 4]);
  await readyPods(plane, namespace, 4);
});

test('StatefulSet should list, patch and delete a collection of StatefulSets', async () => {
  const namespace = await plane.namespace();
  const labels = { e2e: 'testing' };
  const made = statefulSet('ss', { replicas: 1 });
  await create(namespace, { ...made, metadata: { ...made.metadata, labels } });
  await readyPods(plane, namespace, 1);
  const query = { labelSelector: 'e2e=testing' };
  const list = await plane.call<{ items: StatefulSet[] }>('GET', '/apis/apps/v1/statefulsets', { query });
  expect(list.json.items.map(({ metadata }) => metadata.name)).toEqual(['ss']);
  const patched = await plane.call<StatefulSet>('PATCH', `${at(namespace)}/ss`, {
    body: {
      metadata: { labels: { ss: 'patched' } },
      spec: {
        replicas: 2,
        template: {
          spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'web', image: 'web:2' }] },
        },
      },
    },
    contentType: strategicPatch,
  });
  expect([patched.status, patched.json.metadata.labels]).toEqual([200, { e2e: 'testing', ss: 'patched' }]);
  await running(namespace, 'web:2', 'web:2');
  expect((await plane.call('DELETE', at(namespace), { query })).status).toBe(200);
  expect((await plane.call('GET', `${at(namespace)}/ss`)).status).toBe(404);
});

test('StatefulSet should validate Statefulset Status endpoints', async () => {
  const namespace = await plane.namespace();
  await create(namespace, statefulSet('ss', { replicas: 1 }));
  await readyPods(plane, namespace, 1);
  await statusOf(namespace, ({ availableReplicas }) => availableReplicas === 1);
  const path = `${at(namespace)}/ss/status`;
  const read = await plane.call<StatefulSet>('GET', path);
  const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from a test' };
  const put = await plane.call<StatefulSet>('PUT', path, {
    body: {
      ...unconditional(read.json),
      spec: { ...read.json.spec, replicas: 9 },
      status: { ...read.json.status, conditions: [condition] },
    },
  });
  expect(put.status, put.text).toBe(200);
  expect(put.json.status?.conditions).toEqual([expect.objectContaining(condition)]);
  expect(put.json.spec.replicas).toBe(1);
  const patched = await plane.call<StatefulSet>('PATCH', path, {
    body: { status: { conditions: [{ ...condition, type: 'StatusPatched' }] } },
    contentType: mergePatch,
  });
  expect(patched.json.status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
  expect((await get(namespace)).status?.conditions?.map(({ type }) => type)).toEqual(['StatusPatched']);
});

test('StatefulSet Scaling should happen in predictable order and halt if any stateful pod is unhealthy', async () => {
  const namespace = await plane.namespace();
  const watch = await plane.watch<Persisted<Pod>>(`/api/v1/namespaces/${namespace}/pods`);
  await create(namespace, statefulSet('ss', { replicas: 1 }));
  const [first] = await readyPods(plane, namespace, 1);
  if (!first) throw new Error('there is one');
  await setReady(plane, first, false);
  await patch(namespace, { replicas: 3 });
  await statusOf(namespace, ({ replicas, readyReplicas }) => replicas === 1 && !readyReplicas);
  expect(await podNames(namespace)).toEqual(['ss-0']);
  await setReady(plane, first, true);
  const all = await readyPods(plane, namespace, 3);
  const added = watch.events.filter(({ type }) => type === 'ADDED').map(({ object }) => object.metadata.name);
  expect(added).toEqual(['ss-0', 'ss-1', 'ss-2']);
  // Broken ones stop the way down as well.
  for (const one of all) await setReady(plane, one, false);
  await statusOf(namespace, ({ replicas, readyReplicas }) => replicas === 3 && !readyReplicas);
  await patch(namespace, { replicas: 0 });
  await statusOf(namespace, ({ replicas, readyReplicas }) => replicas === 3 && !readyReplicas);
  expect((await podsOf(plane, namespace)).map(({ metadata }) => metadata.uid)).toEqual(
    all.map(({ metadata }) => metadata.uid),
  );
  for (const one of all) await setReady(plane, one, true);
  for (const name of ['ss-2', 'ss-1', 'ss-0']) {
    const gone = await watch.next('DELETED');
    expect(gone.metadata.name).toBe(name);
  }
  watch.stop();
});

test('StatefulSet Burst scaling should run to completion even with unhealthy pods', async () => {
  const namespace = await plane.namespace();
  await create(namespace, statefulSet('ss', { replicas: 1, podManagementPolicy: 'Parallel' }));
  const [first] = await readyPods(plane, namespace, 1);
  if (!first) throw new Error('there is one');
  await setReady(plane, first, false);
  await patch(namespace, { replicas: 3 });
  await eventually('three pods', async () => (await podNames(namespace)).length === 3);
  const last = await eventually('the last to be ready', async () => {
    const found = await pod(namespace, 'ss-2');
    return isReady(found) && found;
  });
  await setReady(plane, last, false);
  await patch(namespace, { replicas: 0 });
  await eventually('none', async () => (await podNames(namespace)).length === 0);
  await statusOf(namespace, ({ replicas }) => replicas === 0);
});

test('StatefulSet Should recreate evicted statefulset', async () => {
  const namespace = await plane.namespace();
  await create(namespace, statefulSet('ss', { replicas: 1 }));
  const [before] = await readyPods(plane, namespace, 1);
  const status = { phase: 'Failed', reason: 'NodePorts', message: 'Predicate NodePorts failed' };
  await plane.client.patch(
    pods,
    { namespace, name: 'ss-0' },
    { type: 'strategic', patch: { status } },
    { subresource: 'status' },
  );
  const after = await eventually('another of the same name', async () => {
    const [found] = await podsOf(plane, namespace);
    return found !== undefined && found.metadata.uid !== before?.metadata.uid && isReady(found) && found;
  });
  expect(after.metadata.name).toBe('ss-0');
});

test('StatefulSet should perform rolling updates and roll backs of template modifications', async () => {
  const namespace = await plane.namespace();
  const watch = await plane.watch<Persisted<Pod>>(`/api/v1/namespaces/${namespace}/pods`);
  await create(namespace, statefulSet('ss', { replicas: 3 }));
  await running(namespace, 'web:1', 'web:1', 'web:1');
  const first = await statusOf(namespace, ({ updatedReplicas }) => updatedReplicas === 3);
  expect(first.currentRevision).toBe(first.updateRevision);
  const sets = await plane.watch<Persisted<StatefulSet>>(
    `/apis/apps/v1/namespaces/${namespace}/statefulsets`,
  );
  await patch(namespace, imagePatch('web:2'));
  // Nodes are quick here: the status between the two revisions is seen in the watch, or not at all.
  const begun = await eventually('the update has begun', () =>
    sets.events
      .map(({ object }) => object.status)
      .find((status) => status && status.updateRevision !== first.updateRevision),
  );
  sets.stop();
  expect(begun.currentRevision).toBe(first.currentRevision);
  await running(namespace, 'web:2', 'web:2', 'web:2');
  const deleted = watch.events
    .filter(({ type }) => type === 'DELETED')
    .map(({ object }) => object.metadata.name);
  expect(deleted).toEqual(['ss-2', 'ss-1', 'ss-0']);
  const second = await statusOf(namespace, ({ currentRevision }) => currentRevision === begun.updateRevision);
  expect([second.currentReplicas, second.updatedReplicas]).toEqual([3, 3]);
  const revisions = (await podsOf(plane, namespace)).map(
    ({ metadata }) => metadata.labels?.['controller-revision-hash'],
  );
  expect(new Set(revisions)).toEqual(new Set([second.updateRevision]));
  await patch(namespace, imagePatch('web:1'));
  await running(namespace, 'web:1', 'web:1', 'web:1');
  await statusOf(namespace, ({ currentRevision }) => currentRevision === first.currentRevision);
  watch.stop();
});

test('StatefulSet should perform canary updates and phased rolling updates of template modifications', async () => {
  const namespace = await plane.namespace();
  const partitioned = (partition: number) => ({
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } },
  });
  await create(namespace, statefulSet('ss', { replicas: 3, ...partitioned(3) }));
  await running(namespace, 'web:1', 'web:1', 'web:1');
  const first = await statusOf(namespace, ({ updatedReplicas }) => updatedReplicas === 3);
  await patch(namespace, imagePatch('web:2'));
  const held = await statusOf(namespace, ({ updateRevision }) => updateRevision !== first.updateRevision);
  expect([held.currentReplicas, held.currentRevision]).toEqual([3, first.currentRevision]);
  await running(namespace, 'web:1', 'web:1', 'web:1');
  await patch(namespace, partitioned(2));
  await running(namespace, 'web:1', 'web:1', 'web:2');
  // Pods that are lost come back in the revision that is theirs.
  for (const name of ['ss-0', 'ss-2']) {
    const { metadata } = await pod(namespace, name);
    await plane.client.delete(pods, { namespace, name });
    await eventually('another', async () => {
      const found = (await podsOf(plane, namespace)).find((one) => one.metadata.name === name);
      return found !== undefined && found.metadata.uid !== metadata.uid;
    });
    await running(namespace, 'web:1', 'web:1', 'web:2');
  }
  await patch(namespace, partitioned(1));
  await running(namespace, 'web:1', 'web:2', 'web:2');
  const phased = await statusOf(namespace, ({ updatedReplicas }) => updatedReplicas === 2);
  expect(phased.currentReplicas).toBe(1);
  await patch(namespace, partitioned(0));
  await running(namespace, 'web:2', 'web:2', 'web:2');
  await statusOf(namespace, ({ currentRevision }) => currentRevision === held.updateRevision);
});
