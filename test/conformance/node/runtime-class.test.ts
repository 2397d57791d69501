import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pod } from '../../../lib/api/gen/types.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 1 });
});
afterAll(() => plane.close());

const path = '/apis/node.k8s.io/v1/runtimeclasses';

const pod = (runtimeClassName: string, more: object = {}) => ({
  metadata: { name: `with-${runtimeClassName}` },
  spec: { runtimeClassName, containers: [{ name: 'app', image: 'app:1' }], ...more },
});

async function create(namespace: string, body: object) {
  return plane.call<Pod & { message: string }>('POST', `/api/v1/namespaces/${namespace}/pods`, { body });
}

const scheduled = (namespace: string, name: string) =>
  eventually(`${name} to be on a node`, async () => {
    const { json } = await plane.call<Pod>('GET', `/api/v1/namespaces/${namespace}/pods/${name}`);
    return Boolean(json.spec.nodeName);
  });

test('RuntimeClass should support RuntimeClasses API operations', () =>
  expectFullVerbSet(plane, {
    group: 'node.k8s.io',
    version: 'v1',
    plural: 'runtimeclasses',
    path,
    make: (number) => ({
      metadata: { name: `class-${number}`, labels: { special: 'label' } },
      handler: 'none',
    }),
  }));

test('RuntimeClass should reject a Pod requesting a non-existent RuntimeClass', async () => {
  const namespace = await plane.namespace();
  const refused = await create(namespace, pod('nonexistent'));
  expect([refused.status, refused.json.message]).toEqual([
    403,
    'pods "with-nonexistent" is forbidden: pod rejected: RuntimeClass "nonexistent" not found',
  ]);
});

test('RuntimeClass should reject a Pod requesting a deleted RuntimeClass', async () => {
  const namespace = await plane.namespace();
  const body = { metadata: { name: 'passing' }, handler: 'none' };
  expect((await plane.call('POST', path, { body })).status).toBe(201);
  expect((await create(namespace, pod('passing'))).status).toBe(201);
  expect((await plane.call('DELETE', `${path}/passing`)).status).toBe(200);
  const refused = await create(namespace, { ...pod('passing'), metadata: { name: 'late' } });
  expect(refused.status).toBe(403);
});

test('RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead', async () => {
  const namespace = await plane.namespace();
  await plane.call('POST', path, { body: { metadata: { name: 'plain' }, handler: 'none' } });
  const made = await create(namespace, pod('plain'));
  expect(made.json.spec.overhead).toBeUndefined();
  await scheduled(namespace, 'with-plain');
});

test('RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead', async () => {
  const namespace = await plane.namespace();
  const podFixed = { cpu: '10m', memory: '1Mi' };
  await plane.call('POST', path, {
    body: { metadata: { name: 'heavy' }, handler: 'none', overhead: { podFixed } },
  });
  const made = await create(namespace, pod('heavy'));
  expect(made.json.spec.overhead).toEqual(podFixed);
  await scheduled(namespace, 'with-heavy');
  const other = await create(namespace, {
    ...pod('heavy', { overhead: { cpu: '20m' } }),
    metadata: { name: 'other' },
  });
  expect(other.json.message).toContain("pod rejected: Pod's Overhead doesn't match RuntimeClass's");
});
