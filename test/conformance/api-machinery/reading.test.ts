import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Json, startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const configMaps = '/api/v1/namespaces/default/configmaps';
const merge = 'application/merge-patch+json';
const create = (name: string, labels: object) => server.post(configMaps, { metadata: { name, labels } });
const change = (name: string, mutation: string) =>
  server.patch(`${configMaps}/${name}`, merge, { data: { mutation } });

/** Events after a revision, for as long as the watch lasts. */
async function watch(from: string | undefined, selector: string, timeoutSeconds = 1): Promise<Json[]> {
  const query = new URLSearchParams({
    watch: 'true',
    labelSelector: selector,
    timeoutSeconds: String(timeoutSeconds),
  });
  if (from !== undefined) query.set('resourceVersion', from);
  const { text } = await server.get(`${configMaps}?${query.toString()}`);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Json);
}
const head = async () => (await server.get(configMaps)).json.metadata?.resourceVersion;
const types = (events: Json[]) => events.map(({ type }) => type);
const versions = (events: Json[]) => events.map(({ object }) => object?.metadata?.resourceVersion);

test('Watchers should observe add, update, and delete watch notifications on configmaps', async () => {
  const from = await head();
  const watches = ['watch=a', 'watch=b', 'watch in (a,b)'].map((selector) => watch(from, selector));
  await create('wa', { watch: 'a' });
  await change('wa', '1');
  await change('wa', '2');
  await server.delete(`${configMaps}/wa`);
  await create('wb', { watch: 'b' });
  await server.delete(`${configMaps}/wb`);
  const [a = [], b = [], both = []] = await Promise.all(watches);
  expect(types(a)).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
  expect(types(b)).toEqual(['ADDED', 'DELETED']);
  expect(types(both)).toEqual([...types(a), ...types(b)]);
});

test('Watchers should be able to start watching from a specific resource version', async () => {
  const { json } = await create('from-rv', { rv: 'yes' });
  const first = await change('from-rv', '1');
  await change('from-rv', '2');
  await server.delete(`${configMaps}/from-rv`);
  expect(types(await watch(first.json.metadata?.resourceVersion, 'rv'))).toEqual(['MODIFIED', 'DELETED']);
  expect(types(await watch(json.metadata?.resourceVersion, 'rv'))).toEqual([
    'MODIFIED',
    'MODIFIED',
    'DELETED',
  ]);
});

test('Watchers should be able to restart watching from the last resource version observed by the previous watch', async () => {
  const from = await head();
  const first = watch(from, 'restart');
  await create('restarted', { restart: 'yes' });
  await change('restarted', '1');
  const seen = await first;
  await change('restarted', '2');
  await server.delete(`${configMaps}/restarted`);
  const rest = await watch(versions(seen).at(-1), 'restart');
  expect(types([...seen, ...rest])).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
});

test('Watchers should observe an object deletion if it stops meeting the requirements of the selector', async () => {
  const watching = watch(await head(), 'stage=in');
  const label = (stage: string) =>
    server.patch(`${configMaps}/moving`, merge, { metadata: { labels: { stage } } });
  await create('moving', { stage: 'in' });
  await change('moving', '1');
  await label('out');
  await change('moving', '2');
  await label('in');
  await server.delete(`${configMaps}/moving`);
  expect(types(await watching)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED']);
});

test('Watchers should receive events on concurrent watches in same order', async () => {
  const from = await head();
  const writing = (async () => {
    for (let i = 0; i < 60; i++) {
      await create(`order-${i}`, { order: 'yes' });
      if (i % 2) await server.delete(`${configMaps}/order-${i - 1}`);
    }
  })();
  const early = await Promise.all(Array.from({ length: 5 }, () => watch(from, 'order', 2)));
  await writing;
  const late = await Promise.all(Array.from({ length: 5 }, () => watch(from, 'order')));
  const all = versions(late[0] ?? []);
  expect(all).toHaveLength(90);
  for (const one of late) expect(versions(one)).toEqual(all);
  for (const one of early) expect(versions(one)).toEqual(all.slice(0, one.length));
});

test('Servers with support for API chunking should return chunks of results for list calls', async () => {
  await server.post('/api/v1/namespaces', { metadata: { name: 'chunking' } });
  const path = '/api/v1/namespaces/chunking/configmaps';
  for (let i = 0; i < 40; i++)
    await server.post(path, { metadata: { name: `chunk-${String(i).padStart(4, '0')}` } });
  const seen: string[] = [];
  let token = '';
  let revision: string | undefined;
  do {
    const { json } = await server.get(`${path}?limit=13&continue=${encodeURIComponent(token)}`);
    expect(json.items?.length).toBeLessThanOrEqual(13);
    revision ??= json.metadata?.resourceVersion;
    expect(json.metadata?.resourceVersion).toBe(revision);
    seen.push(...(json.items ?? []).map((item) => item.metadata?.name ?? ''));
    token = json.metadata?.continue ?? '';
    const remaining = json.metadata?.remainingItemCount;
    // The API lets a server leave it out where it does not know it; the first page always does.
    if (remaining !== undefined || seen.length === 13) expect(remaining).toBe(40 - seen.length);
    // What is written between two pages is none of this list's business.
    if (seen.length === 13) await server.post(path, { metadata: { name: 'chunk-0020-late' } });
  } while (token !== '');
  expect(seen).toHaveLength(40);
  expect(new Set(seen).size).toBe(40);
  const full = await server.get(path);
  expect(full.json.items).toHaveLength(41);
});

test('server version should find the server version', async () => {
  const version: unknown = (await server.get('/version')).json;
  const number = expect.stringMatching(/^\d+$/) as unknown;
  expect(version).toMatchObject({
    major: number,
    minor: number,
    emulationMajor: number,
    emulationMinor: number,
    minCompatibilityMajor: number,
    minCompatibilityMinor: number,
  });
});

interface Group {
  name: string;
  versions: { groupVersion: string; version: string }[];
  preferredVersion: { groupVersion: string; version: string };
}
const groups = async () => ((await server.get('/apis')).json as { groups?: Group[] }).groups ?? [];

test('Discovery should validate PreferredVersion for each APIGroup', async () => {
  const found = await groups();
  expect(found.length).toBeGreaterThan(3);
  for (const { name, preferredVersion } of found) {
    const group = (await server.get(`/apis/${name}`)).json as unknown as Group;
    expect(group.versions).toContainEqual(preferredVersion);
    expect(group.preferredVersion).toEqual(preferredVersion);
  }
});

test('Discovery should locate the groupVersion and a resource within each APIGroup', async () => {
  for (const { versions: served } of await groups()) {
    for (const { groupVersion } of served) {
      const list = (await server.get(`/apis/${groupVersion}`)).json as {
        groupVersion?: string;
        resources?: object[];
      };
      expect(list.groupVersion).toBe(groupVersion);
      expect(list.resources?.length).toBeGreaterThan(0);
    }
  }
});

test('AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers', async () => {
  const accept = 'application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList';
  for (const path of ['/api', '/apis']) {
    const { json, headers } = await server.get(path, { headers: { accept } });
    expect(json).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
    expect(json.items?.length).toBeGreaterThan(0);
    expect(headers['content-type']).toContain('as=APIGroupDiscoveryList');
  }
});

test('Kubectl client api-versions should check if v1 is in available api versions', async () => {
  expect((await server.kubectl('api-versions')).split('\n')).toContain('v1');
});

test('Kubectl client version should check is all data is printed', async () => {
  const text = await server.kubectl('version -o json');
  const { clientVersion, serverVersion } = JSON.parse(text) as Record<string, Record<string, string>>;
  expect(clientVersion).toMatchObject({ major: '1' });
  expect(serverVersion).toMatchObject({
    major: '1',
    minor: '36',
    gitVersion: expect.stringContaining('v1.36.'),
  });
});

test('FieldValidation should detect unknown and duplicate fields of a typed object', async () => {
  const body =
    '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"unknown1":"val1","unknownDupe":"valDupe","unknownDupe":"valDupe2","paused":true,"paused":false,"selector":{"matchLabels":{"app":"n"}},"template":{"metadata":{"labels":{"app":"n"}},"spec":{"containers":[{"name":"n","image":"n","unknownNested":"val1"}]}}}}';
  const { status, json } = await server.post(
    '/apis/apps/v1/namespaces/default/deployments?fieldValidation=Strict',
    body,
  );
  expect(status).toBe(400);
  for (const problem of [
    'unknown field "spec.unknown1"',
    'duplicate field "spec.paused"',
    'unknown field "spec.template.spec.containers[0].unknownNested"',
  ]) {
    expect(json.message).toContain(problem);
  }
});

test('FieldValidation should detect unknown metadata fields of a typed object', async () => {
  const { status, json } = await server.post(`${configMaps}?fieldValidation=Strict`, {
    metadata: { name: 'm', unknownMeta: 'x' },
  });
  expect([status, json.message]).toEqual([
    400,
    expect.stringContaining('unknown field "metadata.unknownMeta"'),
  ]);
});
