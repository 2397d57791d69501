import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConfigMap, Node, Pod } from '../../../lib/api/gen/types.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch, strategicPatch } from '../support/requests.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

interface List<T> {
  items: T[];
}

test('ConfigMap should fail to create ConfigMap with empty key', async () => {
  const path = `/api/v1/namespaces/${await plane.namespace()}/configmaps`;
  const { status, json } = await plane.call('POST', path, {
    body: { metadata: { name: 'empty' }, data: { '': 'v' } },
  });
  expect([status, json.reason]).toEqual([422, 'Invalid']);
  expect(json.message).toContain('data[]: Invalid value: ""');
  expect((await plane.call('GET', `${path}/empty`)).status).toBe(404);
});

test('ConfigMap should update ConfigMap successfully', async () => {
  const path = `/api/v1/namespaces/${await plane.namespace()}/configmaps`;
  const made = await plane.call<ConfigMap>('POST', path, {
    body: { metadata: { name: 'map' }, data: { a: '1' } },
  });
  const updated = await plane.call<ConfigMap>('PUT', `${path}/map`, {
    body: { ...made.json, data: { b: '2' } },
  });
  expect(updated.status).toBe(200);
  expect((await plane.call<ConfigMap>('GET', `${path}/map`)).json.data).toEqual({ b: '2' });
  const stale = await plane.call('PUT', `${path}/map`, { body: { ...made.json, data: { c: '3' } } });
  expect([stale.status, stale.json.reason]).toEqual([409, 'Conflict']);
});

test('ConfigMap should run through a ConfigMap lifecycle', async () => {
  const path = `/api/v1/namespaces/${await plane.namespace()}/configmaps`;
  const query = { labelSelector: 'test-configmap-static=true' };
  const watch = await plane.watch<ConfigMap>(path, query);
  const body = {
    metadata: { name: 'map', labels: { 'test-configmap-static': 'true' } },
    data: { valueName: 'value' },
  };
  expect((await plane.call('POST', path, { body })).status).toBe(201);
  await watch.next('ADDED');
  const patched = await plane.call<ConfigMap>('PATCH', `${path}/map`, {
    body: { metadata: { labels: { 'test-configmap': 'patched' } }, data: { valueName: 'value1' } },
    contentType: strategicPatch,
  });
  expect(patched.status).toBe(200);
  await watch.next('MODIFIED', ({ data }) => data?.['valueName'] === 'value1');
  const list = await plane.call<List<ConfigMap>>('GET', '/api/v1/configmaps', { query });
  expect(list.json.items).toHaveLength(1);
  expect(list.json.items[0]?.metadata.labels).toEqual({
    'test-configmap-static': 'true',
    'test-configmap': 'patched',
  });
  expect((await plane.call('DELETE', path, { query })).status).toBe(200);
  await watch.next('DELETED');
  expect((await plane.call<List<ConfigMap>>('GET', path, { query })).json.items).toEqual([]);
});

for (const [title, plural, value] of [
  ['ConfigMap should be immutable if `immutable` field is set', 'configmaps', 'one'],
  ['Secrets should be immutable if `immutable` field is set', 'secrets', 'b25l'],
] as const) {
  test(title, async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/${plural}`;
    await plane.call('POST', path, { body: { metadata: { name: 'fixed' }, data: { key: value } } });
    const patch = (body: object) =>
      plane.call<ConfigMap & { message: string }>('PATCH', `${path}/fixed`, {
        body,
        contentType: mergePatch,
      });
    expect((await patch({ data: { second: value } })).status).toBe(200);
    expect((await patch({ immutable: true })).json.immutable).toBe(true);
    for (const change of [{ data: { third: value } }, { immutable: false }, { immutable: null }]) {
      const { status, json } = await patch(change);
      expect(status).toBe(422);
      expect(json.message).toContain('field is immutable when `immutable` is set');
    }
    expect((await plane.call<ConfigMap>('GET', `${path}/fixed`)).json.data).toEqual({
      key: value,
      second: value,
    });
    expect((await patch({ metadata: { labels: { still: 'mutable' } } })).status).toBe(200);
    expect((await plane.call('DELETE', `${path}/fixed`)).status).toBe(200);
  });
}

test('Node Lifecycle should run through the lifecycle of a node', async () => {
  const path = '/api/v1/nodes';
  const query = { labelSelector: 'conformance=node-lifecycle' };
  const body = {
    metadata: { name: 'passing', labels: { conformance: 'node-lifecycle' } },
    spec: { unschedulable: true },
  };
  expect((await plane.call('POST', path, { body })).status).toBe(201);
  expect((await plane.call('GET', `${path}/passing`)).status).toBe(200);
  const patched = await plane.call<Node>('PATCH', `${path}/passing`, {
    body: { metadata: { labels: { patched: 'yes' } } },
    contentType: strategicPatch,
  });
  expect(patched.json.metadata.labels?.['patched']).toBe('yes');
  const list = await plane.call<List<Node>>('GET', path, { query });
  expect(list.json.items.map(({ metadata }) => metadata.name)).toEqual(['passing']);
  const fresh = await plane.call<Node>('GET', `${path}/passing`);
  const { resourceVersion: _, ...metadata } = fresh.json.metadata;
  const updated = await plane.call<Node>('PUT', `${path}/passing`, {
    body: { ...fresh.json, metadata: { ...metadata, labels: { ...metadata.labels, updated: 'yes' } } },
  });
  expect([updated.status, updated.json.metadata.labels?.['updated']]).toEqual([200, 'yes']);
  expect((await plane.call('DELETE', path, { query })).status).toBe(200);
  expect((await plane.call('GET', `${path}/passing`)).status).toBe(404);
});

test('Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu', async () => {
  const path = `/api/v1/namespaces/${await plane.namespace()}/pods`;
  const resources = { cpu: '100m', memory: '100Mi' };
  const made = await plane.call<Pod>('POST', path, {
    body: {
      metadata: { name: 'guaranteed' },
      spec: {
        containers: [{ name: 'c', image: 'i', resources: { requests: resources, limits: resources } }],
      },
    },
  });
  expect(made.status).toBe(201);
  expect(made.json.status?.qosClass).toBe('Guaranteed');
  expect((await plane.call<Pod>('GET', `${path}/guaranteed`)).json.status?.qosClass).toBe('Guaranteed');
});
