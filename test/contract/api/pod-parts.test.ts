/** Subresources that write one part of a pod, and `bindings`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pod } from '../../../lib/api/gen/types.ts';
import { type Json, startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
const pods = '/api/v1/namespaces/default/pods';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

const podOf = (json: Json) => json as unknown as Pod;
const create = (name: string, resources: object = {}, more: object = {}) =>
  server.post(pods, {
    metadata: { name, labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', image: 'i', resources }], ...more },
  });

test('ephemeral containers are added by patch and by update, and stay', async () => {
  await create('debugged');
  const path = `${pods}/debugged/ephemeralcontainers`;
  const added = await server.patch(path, strategic, {
    metadata: { labels: { a: 'changed' } },
    spec: { ephemeralContainers: [{ name: 'd1', image: 'debug', targetContainerName: 'c' }], nodeName: 'x' },
  });
  expect(added.status, added.text).toBe(200);
  expect(podOf(added.json).spec.ephemeralContainers?.map(({ name }) => name)).toEqual(['d1']);
  // Nothing else of the pod is written this way.
  expect(podOf(added.json).spec.nodeName).toBeUndefined();
  expect(added.json.metadata?.labels).toEqual({ a: 'b' });
  expect(added.json.metadata?.generation).toBe(2);
  const manager = podOf(added.json).metadata.managedFields?.find(
    ({ subresource }) => subresource === 'ephemeralcontainers',
  );
  expect(Object.keys(manager?.fieldsV1 ?? {})).toEqual(['f:spec']);

  const pod = podOf((await server.get(path)).json);
  pod.spec.ephemeralContainers?.push({ name: 'd2', image: 'debug' } as never);
  expect((await server.put(path, pod)).status).toBe(200);
  const removed = await server.patch(path, merge, { spec: { ephemeralContainers: [] } });
  expect([removed.status, removed.json.message]).toEqual([
    422,
    expect.stringContaining(
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "d1" may not be removed',
    ),
  ]);
  const direct = await server.patch(`${pods}/debugged`, strategic, {
    spec: { ephemeralContainers: [{ name: 'd3', image: 'debug' }] },
  });
  expect(direct.status).toBe(422);
});

const cpu = (requests: string, limits: string) => ({
  requests: { cpu: requests, memory: '64Mi' },
  limits: { cpu: limits, memory: '128Mi' },
});
const patchOf = (resources: object) => ({ spec: { containers: [{ name: 'c', resources }] } });

test('resize changes CPU and memory and nothing else', async () => {
  await create('sized', cpu('100m', '200m'));
  const path = `${pods}/sized/resize`;
  const resized = await server.patch(path, strategic, {
    metadata: { labels: { a: 'changed' } },
    ...patchOf(cpu('150m', '300m')),
  });
  expect(resized.status, resized.text).toBe(200);
  expect(podOf(resized.json).spec.containers[0]?.resources).toEqual(cpu('150m', '300m'));
  expect(resized.json.metadata).toMatchObject({ labels: { a: 'b' }, generation: 2 });
  const image = await server.patch(path, strategic, {
    spec: { containers: [{ name: 'c', image: 'other' }] },
  });
  expect(podOf(image.json).spec.containers[0]?.image).toBe('i');
  const plain = await server.patch(`${pods}/sized`, strategic, patchOf(cpu('50m', '300m')));
  expect([plain.status, plain.json.message]).toEqual([
    422,
    expect.stringContaining('pod updates may not change fields'),
  ]);
});

test('resize refuses what upstream refuses, in its words', async () => {
  await create('strict', cpu('100m', '200m'));
  const path = `${pods}/strict/resize`;
  const refused: [patch: object, message: string][] = [
    [
      patchOf({ requests: { cpu: '200m', memory: '128Mi' } }),
      'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    ],
    [
      patchOf({ requests: { cpu: null }, limits: { cpu: null } }),
      'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
    ],
    [
      patchOf({ limits: { 'ephemeral-storage': '1Gi' } }),
      'spec: Forbidden: only cpu and memory resources are mutable',
    ],
    [
      { spec: { containers: [{ name: 'c' }, { name: 'd', image: 'i' }] } },
      'spec.containers: Forbidden: containers may not be added or removed on resize',
    ],
  ];
  for (const [patch, message] of refused) {
    const { status, json } = await server.patch(path, strategic, patch);
    expect(status, message).toBe(422);
    expect(json.message).toContain(message);
  }
  const renamed = podOf((await server.get(path)).json);
  if (renamed.spec.containers[0]) renamed.spec.containers[0].name = 'other';
  const { json } = await server.put(path, renamed);
  expect(json.message).toContain(
    'spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize',
  );
});

test('a binding puts a pod on a node once, by either path', async () => {
  await create('bound');
  const target = { kind: 'Node', name: 'n1' };
  const dry = await server.post('/api/v1/namespaces/default/bindings?dryRun=All', {
    metadata: { name: 'bound' },
    target,
  });
  expect(dry.status, dry.text).toBe(201);
  const first = await server.post('/api/v1/namespaces/default/bindings', {
    metadata: { name: 'bound' },
    target,
  });
  expect([first.status, first.json.kind]).toEqual([201, 'Status']);
  expect(podOf((await server.get(`${pods}/bound`)).json).spec.nodeName).toBe('n1');
  const second = await server.post(`${pods}/bound/binding`, { metadata: { name: 'bound' }, target });
  expect([second.status, second.json.reason]).toEqual([409, 'Conflict']);
  const missing = await server.post('/api/v1/namespaces/default/bindings', {
    metadata: { name: 'none' },
    target,
  });
  expect(missing.status).toBe(404);
  expect((await server.get('/api/v1/namespaces/default/bindings')).status).toBe(405);
});

test('a status keeps its class and what generations it has seen from clients that do not know of them', async () => {
  const path = '/api/v1/namespaces/default/pods';
  await server.post(path, {
    metadata: { name: 'seen' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
  });
  const put = (status: object) => server.put(`${path}/seen/status`, { metadata: { name: 'seen' }, status });
  const conditions = (...generations: (number | undefined)[]) =>
    generations.map((observedGeneration) => ({ type: 'acme.io/x', status: 'True', observedGeneration }));
  await put({ phase: 'Running', observedGeneration: 1, conditions: conditions(1, 2) });
  const { status, json } = await put({ phase: 'Running', conditions: conditions(undefined, 3, undefined) });
  expect(status).toBe(200);
  expect(json.status).toMatchObject({
    qosClass: 'BestEffort',
    observedGeneration: 1,
    conditions: [{ observedGeneration: 1 }, { observedGeneration: 3 }, {}],
  });
  expect(json.status?.conditions?.[2]).not.toHaveProperty('observedGeneration');
  const other = await put({ phase: 'Running', qosClass: 'Guaranteed' });
  expect([other.status, other.json.message]).toEqual([
    422,
    expect.stringContaining('status.qosClass: Invalid value: "Guaranteed": field is immutable'),
  ]);
});
