import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Json, startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
const path = '/api/v1/namespaces/default/configmaps';
const create = (name: string, labels: object = {}) =>
  server.post(path, { metadata: { name, labels }, data: { name } });
const names = (json: Json) => (json.items ?? []).map((item) => item.metadata?.name);

beforeAll(async () => {
  server = await startServer();
  for (let i = 0; i < 10; i++) await create(`cm-${i}`, { parity: i % 2 ? 'odd' : 'even' });
});
afterAll(() => server.close());

/** The events of a watch until it ends. */
async function watch(query: string, during?: () => Promise<unknown>): Promise<Json[]> {
  const answer = server.get(`${path}?watch=true&timeoutSeconds=1&${query}`);
  await during?.();
  const { text } = await answer;
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Json);
}

describe('list', () => {
  test('pages through one snapshot', async () => {
    const first = await server.get(`${path}?limit=4`);
    expect(names(first.json)).toEqual(['cm-0', 'cm-1', 'cm-2', 'cm-3']);
    expect(first.json.metadata?.remainingItemCount).toBe(6);
    expect(first.json.items?.[0]).not.toHaveProperty('kind');
    await create('cm-35');
    const token = encodeURIComponent(String(first.json.metadata?.continue));
    const rest = await server.get(`${path}?limit=400&continue=${token}`);
    expect(names(rest.json)).toEqual(['cm-4', 'cm-5', 'cm-6', 'cm-7', 'cm-8', 'cm-9']);
    expect(rest.json.metadata?.resourceVersion).toBe(first.json.metadata?.resourceVersion);
    await server.delete(`${path}/cm-35`);
  });

  test('selects by labels and fields', async () => {
    const odd = await server.get(`${path}?labelSelector=${encodeURIComponent('parity in (odd)')}`);
    expect(names(odd.json)).toHaveLength(5);
    const one = await server.get(`${path}?fieldSelector=metadata.name%3Dcm-3`);
    expect(names(one.json)).toEqual(['cm-3']);
    const unknown = await server.get(`${path}?fieldSelector=spec.x%3D1`);
    expect(unknown.status).toBe(400);
  });

  test('reads at an exact revision and never older than one', async () => {
    const { json } = await server.get(path);
    const revision = json.metadata?.resourceVersion;
    await create('later');
    const exact = await server.get(`${path}?resourceVersion=${revision}&resourceVersionMatch=Exact`);
    expect(names(exact.json)).not.toContain('later');
    const newer = await server.get(`${path}?resourceVersion=${revision}&resourceVersionMatch=NotOlderThan`);
    expect(newer.status).toBe(200);
    const bad = await server.get(`${path}?resourceVersionMatch=Exact`);
    expect([bad.status, bad.json.reason]).toEqual([422, 'Invalid']);
    await server.delete(`${path}/later`);
  });

  test('refuses a token that is none', async () => {
    expect((await server.get(`${path}?continue=abc`)).status).toBe(400);
  });
});

describe('watch', () => {
  test('tells of every change after a revision, with selector transitions', async () => {
    const { json } = await server.get(path);
    const events = await watch(
      `resourceVersion=${json.metadata?.resourceVersion}&labelSelector=seen`,
      async () => {
        await create('w', { seen: 'yes' });
        await server.patch(`${path}/w`, 'application/merge-patch+json', { data: { x: '1' } });
        await server.patch(`${path}/w`, 'application/merge-patch+json', {
          metadata: { labels: { seen: null } },
        });
        await server.patch(`${path}/w`, 'application/merge-patch+json', {
          metadata: { labels: { seen: 'again' } },
        });
        await server.delete(`${path}/w`);
      },
    );
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED']);
  });

  test('begins with the present state and marks its end', async () => {
    const events = await watch(
      'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
    );
    expect(events.filter(({ type }) => type === 'ADDED')).toHaveLength(10);
    const mark = events.find(({ type }) => type === 'BOOKMARK');
    expect(mark?.object?.metadata?.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    expect((await watch('')).filter(({ type }) => type === 'ADDED')).toHaveLength(10);
  });

  test('sends tables to those who ask for them', async () => {
    const { text } = await server.get(`${path}?watch=true&timeoutSeconds=1`, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
    });
    const events = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Json);
    expect(events[0]?.object?.kind).toBe('Table');
    expect(events[0]?.object?.columnDefinitions).not.toBeNull();
    expect(events[1]?.object?.columnDefinitions).toBeNull();
  });

  test('ends when the server closes', async () => {
    const other = await startServer();
    const { promise, resolve } = Promise.withResolvers<void>();
    const outgoing = other.open('GET', `${path}?watch=true`);
    outgoing.once('response', (response) => {
      response.resume();
      response.once('end', resolve);
      void other.close();
    });
    await promise;
  });
});

describe('representations', () => {
  test('are chosen by Accept', async () => {
    const yaml = await server.get(`${path}/cm-0`, { headers: { accept: 'application/yaml' } });
    expect(yaml.headers['content-type']).toBe('application/yaml');
    expect(yaml.text).toContain('kind: ConfigMap');
    const table = await server.get(path, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    expect(table.json.kind).toBe('Table');
    expect(table.json.rows).toHaveLength(10);
    const partial = await server.get(path, {
      headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' },
    });
    expect(partial.json.items?.[0]).toMatchObject({
      kind: 'PartialObjectMetadata',
      metadata: { name: 'cm-0' },
    });
    const none = await server.get(path, { headers: { accept: 'text/html' } });
    expect([none.status, none.json.reason]).toEqual([406, 'NotAcceptable']);
  });

  test.each([
    'application/json;g=meta.k8s.io;v=v1',
    'application/json;as=Table;v=v1',
    'application/json;as=Service;g=;v=v1',
    'application/json;as=Table;g=meta.k8s.io;v=v1alpha1',
    'application/json;stream=file',
    'application/yaml;stream=watch',
    'application/json;sv=v2',
  ])('are not had by %s, which may have another after it', async (accept) => {
    expect((await server.get(path, { headers: { accept } })).status).toBe(406);
    expect((await server.get(path, { headers: { accept: `${accept},application/json` } })).status).toBe(200);
  });

  test('as tables say what may be included', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    for (const at of [path, `${path}/cm-0`, `${path}?watch=1`]) {
      const query = at.includes('?') ? '&' : '?';
      const { status, json } = await server.get(`${at}${query}includeObject=All`, { headers: { accept } });
      expect([status, json.message]).toEqual([
        400,
        `Unable to convert to Table as requested: includeObject: Invalid value: "All": must be 'Metadata', 'Object', 'None', or empty`,
      ]);
    }
  });

  test('events are the same in both groups', async () => {
    const event = {
      metadata: { name: 'e1', namespace: 'default' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
      reason: 'Started',
      message: 'hello',
      type: 'Normal',
    };
    expect((await server.post('/api/v1/namespaces/default/events', event)).status).toBe(201);
    const other = await server.get('/apis/events.k8s.io/v1/namespaces/default/events/e1');
    expect(other.json).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      note: 'hello',
      regarding: { name: 'p' },
    });
    const listed = await server.get(
      '/apis/events.k8s.io/v1/namespaces/default/events?fieldSelector=reason%3DStarted',
    );
    expect(listed.json.items).toHaveLength(1);
  });
});
