import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pod } from '../../../lib/api/gen/types.ts';
import { type Json, startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

const core = '/api/v1/namespaces/default';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';

interface Discovered {
  metadata: { name?: string };
  versions: { version: string; resources: { resource: string; scope: string; verbs: string[] }[] }[];
}

test('AggregatedDiscovery should support aggregated discovery interface', async () => {
  const accept = [
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
    'application/json',
  ].join(',');
  const groups: Discovered[] = [];
  for (const path of ['/api', '/apis']) {
    const { json, headers } = await server.get(path, { headers: { accept } });
    expect(json.kind).toBe('APIGroupDiscoveryList');
    expect(headers.etag).toMatch(/^".+"$/);
    const again = await server.get(path, { headers: { accept, 'if-none-match': String(headers.etag) } });
    expect(again.status).toBe(304);
    groups.push(...((json.items ?? []) as unknown as Discovered[]));
  }
  // One call says what the plain documents say, for every group and version.
  for (const { metadata, versions } of groups) {
    for (const { version, resources } of versions) {
      const path = metadata.name ? `/apis/${metadata.name}/${version}` : `/api/${version}`;
      const { json } = await server.get(path);
      const plain = (json as { resources?: { name: string; verbs: string[] }[] }).resources ?? [];
      const whole = plain.filter(({ name }) => !name.includes('/'));
      expect(resources.map(({ resource }) => resource).sort(), path).toEqual(
        whole.map(({ name }) => name).sort(),
      );
    }
  }
  const found = (group: string, version: string, resource: string) =>
    groups
      .find(({ metadata }) => (metadata.name ?? '') === group)
      ?.versions.find((one) => one.version === version)
      ?.resources.find((one) => one.resource === resource);
  expect(found('', 'v1', 'pods')).toMatchObject({ scope: 'Namespaced' });
  expect(found('', 'v1', 'namespaces')).toMatchObject({ scope: 'Cluster' });
  expect(found('apps', 'v1', 'deployments')?.verbs).toContain('deletecollection');
});

test('Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away', async () => {
  const first = await startServer();
  const path = '/api/v1/namespaces/default/podtemplates';
  const template = { spec: { containers: [{ name: 'test', image: 'test2' }] } };
  for (let i = 0; i < 20; i++) {
    const name = `template-${String(i).padStart(4, '0')}`;
    expect((await first.post(path, { metadata: { name }, template })).status).toBe(201);
  }
  const page = await first.get(`${path}?limit=10`);
  expect(page.json.items).toHaveLength(10);
  const revision = Number(page.json.metadata?.resourceVersion);
  // What a compaction leaves: a history that begins after the first page, known to a server that was not there before.
  await first.store.advance('podtemplates', revision + 1000);
  await first.stop();
  const server2 = await startServer({ dir: first.dir });
  try {
    const token = encodeURIComponent(String(page.json.metadata?.continue));
    const expired = await server2.get(`${path}?limit=10&continue=${token}`);
    expect([expired.status, expired.json.reason]).toEqual([410, 'Expired']);
    const fresh = expired.json.metadata?.continue;
    expect(fresh).toBeTruthy();
    const next = await server2.get(`${path}?limit=5&continue=${encodeURIComponent(String(fresh))}`);
    const names = (json: Json) => (json.items ?? []).map(({ metadata }) => metadata?.name);
    expect(names(next.json)[0]).toBe('template-0010');
    expect(Number(next.json.metadata?.resourceVersion)).toBeGreaterThan(revision);
    const rest = await server2.get(
      `${path}?continue=${encodeURIComponent(String(next.json.metadata?.continue))}`,
    );
    expect([...names(next.json), ...names(rest.json)]).toHaveLength(10);
    expect(rest.json.metadata?.resourceVersion).toBe(next.json.metadata?.resourceVersion);
  } finally {
    await server2.close();
  }
});

test('Servers with support for Table transformation should return a 406 for a backend which does not implement metadata', async () => {
  const review = { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const refused = await server.post(path, review, { headers: { accept: table } });
  expect([refused.status, refused.json.reason]).toEqual([406, 'NotAcceptable']);
  expect((await server.post(path, review)).status).toBe(201);
});

test('Sysctls should reject invalid sysctls', async () => {
  const sysctls = ['foo-', 'kernel.shmmax', 'safe-and-unsafe', 'bar..'].map((name) => ({
    name,
    value: 'bar',
  }));
  const { status, json } = await server.post(`${core}/pods`, {
    metadata: { name: 'sysctl' },
    spec: { containers: [{ name: 'c', image: 'i' }], securityContext: { sysctls } },
  });
  expect(status).toBe(422);
  expect(json.message).toContain('Invalid value: "foo-"');
  expect(json.message).toContain('Invalid value: "bar.."');
  expect(json.message).not.toContain('safe-and-unsafe');
  expect(json.message).not.toContain('kernel.shmmax');
});

for (const [kind, plural] of [
  ['ConfigMap', 'configmaps'],
  ['Secrets', 'secrets'],
] as const) {
  test(`${kind} should be immutable if \`immutable\` field is set`, async () => {
    const path = `${core}/${plural}/immutable`;
    const made = await server.post(`${core}/${plural}`, {
      metadata: { name: 'immutable' },
      data: { a: 'YQ==' },
    });
    expect(made.status).toBe(201);
    // Before it is marked, its data may change.
    expect((await server.patch(path, merge, { data: { b: 'Yg==' } })).status).toBe(200);
    expect((await server.patch(path, merge, { immutable: true })).status).toBe(200);
    for (const change of [
      { data: { b: 'YmI=' } },
      { data: { c: 'Yw==' } },
      { immutable: false },
      { immutable: null },
    ]) {
      const refused = await server.patch(path, merge, change);
      expect([refused.status, refused.json.reason], JSON.stringify(change)).toEqual([422, 'Invalid']);
    }
    const labelled = await server.patch(path, merge, { metadata: { labels: { still: 'free' } } });
    expect([labelled.status, labelled.json.metadata?.labels]).toEqual([200, { still: 'free' }]);
    expect((await server.delete(path)).status).toBe(200);
  });
}

test('Ephemeral Containers should update the ephemeral containers in an existing pod', async () => {
  const path = `${core}/pods/with-debugger`;
  await server.post(`${core}/pods`, {
    metadata: { name: 'with-debugger' },
    spec: { containers: [{ name: 'main', image: 'i' }] },
  });
  const debugger1 = { name: 'debugger', image: 'debug', command: ['/bin/sh'], stdin: true, tty: true };
  const patched = await server.patch(`${path}/ephemeralcontainers`, strategic, {
    spec: { ephemeralContainers: [debugger1] },
  });
  expect(patched.status, patched.text).toBe(200);
  const pod = (await server.get(`${path}/ephemeralcontainers`)).json as unknown as Pod;
  expect(pod.spec.ephemeralContainers?.map(({ name }) => name)).toEqual(['debugger']);
  pod.spec.ephemeralContainers?.push({ ...debugger1, name: 'debugger2' } as never);
  const replaced = await server.put(`${path}/ephemeralcontainers`, pod);
  expect(replaced.status, replaced.text).toBe(200);
  const read = (await server.get(path)).json as unknown as Pod;
  expect(read.spec.ephemeralContainers?.map(({ name }) => name)).toEqual(['debugger', 'debugger2']);
});
