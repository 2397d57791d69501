import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PodDisruptionBudget } from '../../../lib/api/gen/types.ts';
import { replicaSets } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch } from '../support/requests.ts';
import { podsOf, readyPods, replicaSet } from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

const at = (namespace: string) => `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;

const create = (namespace: string, spec: PodDisruptionBudget['spec']) =>
  plane.call<PodDisruptionBudget>('POST', at(namespace), {
    body: { metadata: { name: 'foo' }, spec: { selector: { matchLabels: { app: 'web' } }, ...spec } },
  });

/** Waits until the controller has taken in the newest spec, and shows this. */
function observed(namespace: string, status: object = {}): Promise<PodDisruptionBudget> {
  return eventually(JSON.stringify(status), async () => {
    const { json } = await plane.call<PodDisruptionBudget>('GET', `${at(namespace)}/foo`);
    expect(json.status).toMatchObject({ observedGeneration: json.metadata.generation, ...status });
    return json;
  });
}

/** Reads and replaces, again where the controller was faster. */
function update(namespace: string, minAvailable: number | string): Promise<PodDisruptionBudget> {
  return eventually('an update', async () => {
    const { json } = await plane.call<PodDisruptionBudget>('GET', `${at(namespace)}/foo`);
    const body = { ...json, spec: { ...json.spec, minAvailable } };
    const put = await plane.call<PodDisruptionBudget>('PUT', `${at(namespace)}/foo`, { body });
    return put.status === 200 && put.json;
  });
}

async function evict(namespace: string): Promise<{ status: number; text: string }> {
  const [pod] = await podsOf(plane, namespace);
  const name = pod?.metadata.name ?? '';
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  return await plane.call('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, { body });
}

async function running(namespace: string, replicas: number): Promise<void> {
  const set = replicaSet('web', { replicas });
  await plane.client.create(replicaSets, { ...set, metadata: { ...set.metadata, namespace } });
  await readyPods(plane, namespace, replicas);
}

test('DisruptionController should create a PodDisruptionBudget', async () => {
  const namespace = await plane.namespace();
  expect((await create(namespace, { minAvailable: '1%' })).status).toBe(201);
  const first = await observed(namespace);
  expect(first.spec.minAvailable).toBe('1%');
  expect((await update(namespace, '2%')).spec.minAvailable).toBe('2%');
  await observed(namespace);
  const patched = await plane.call<PodDisruptionBudget>('PATCH', `${at(namespace)}/foo`, {
    body: { spec: { minAvailable: '3%' } },
    contentType: mergePatch,
  });
  expect([patched.status, patched.json.spec.minAvailable]).toEqual([200, '3%']);
  await observed(namespace);
  expect((await plane.call('DELETE', `${at(namespace)}/foo`)).status).toBe(200);
  expect((await plane.call('GET', `${at(namespace)}/foo`)).status).toBe(404);
});

test('DisruptionController should observe PodDisruptionBudget status updated', async () => {
  const namespace = await plane.namespace();
  await create(namespace, { minAvailable: 1 });
  await running(namespace, 3);
  await observed(namespace, { currentHealthy: 3, desiredHealthy: 1, expectedPods: 3, disruptionsAllowed: 2 });
});

test('DisruptionController should block an eviction until the PDB is updated to allow it', async () => {
  const namespace = await plane.namespace();
  await running(namespace, 3);
  await create(namespace, { minAvailable: 3 });
  await observed(namespace, { disruptionsAllowed: 0, expectedPods: 3 });
  const refused = await evict(namespace);
  expect([refused.status, refused.text.includes('DisruptionBudget')]).toEqual([429, true]);
  await update(namespace, 2);
  await observed(namespace, { disruptionsAllowed: 1 });
  expect((await evict(namespace)).status).toBe(201);
  await readyPods(plane, namespace, 3);
  await plane.call('PATCH', `${at(namespace)}/foo`, {
    body: { spec: { minAvailable: 3 } },
    contentType: mergePatch,
  });
  await observed(namespace, { disruptionsAllowed: 0, currentHealthy: 3 });
  expect((await evict(namespace)).status).toBe(429);
  await plane.call('DELETE', `${at(namespace)}/foo`);
  expect((await evict(namespace)).status).toBe(201);
});
