import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

const configMaps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const pod = (name: string, more: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'busybox' }], ...more },
});

describe('create', () => {
  test('answers 201 with the system fields', async () => {
    const { status, json } = await server.post(configMaps, { metadata: { name: 'made' }, data: { a: '1' } });
    expect(status).toBe(201);
    expect(json).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' } });
    expect(json.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(json.metadata?.creationTimestamp).toMatch(/Z$/);
    expect(Number(json.metadata?.resourceVersion)).toBeGreaterThan(0);
  });

  test('of a name that is taken is AlreadyExists', async () => {
    await server.post(configMaps, { metadata: { name: 'twice' } });
    const { status, json } = await server.post(configMaps, { metadata: { name: 'twice' } });
    expect([status, json.reason, json.message]).toEqual([
      409,
      'AlreadyExists',
      'configmaps "twice" already exists',
    ]);
  });

  test('with generateName makes a name', async () => {
    const { json } = await server.post(configMaps, { metadata: { generateName: 'some-' } });
    expect(json.metadata?.name).toMatch(/^some-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  test('without a name is Invalid', async () => {
    const { status, json } = await server.post(configMaps, { metadata: {} });
    expect(status).toBe(422);
    expect(json.message).toContain('metadata.name: Required value: name or generateName is required');
  });

  test('with dryRun stores nothing', async () => {
    const { status } = await server.post(`${configMaps}?dryRun=All`, { metadata: { name: 'dry' } });
    expect(status).toBe(201);
    expect((await server.get(`${configMaps}/dry`)).status).toBe(404);
  });

  test('in a namespace that there is not is NotFound', async () => {
    const { status, json } = await server.post('/api/v1/namespaces/nowhere/configmaps', {
      metadata: { name: 'x' },
    });
    expect([status, json.message]).toEqual([404, 'namespaces "nowhere" not found']);
  });

  test('of a pod gives it an account, tolerations and a token volume', async () => {
    const { json } = await server.post(pods, pod('full'));
    expect(json.spec?.serviceAccountName).toBe('default');
    expect(json.spec?.tolerations).toHaveLength(2);
    expect(json.spec?.volumes?.[0]?.name).toMatch(/^kube-api-access-/);
    expect(json.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
    expect(json.metadata?.generation).toBe(1);
  });
});

describe('update', () => {
  test('with a stale resourceVersion is a Conflict and changes nothing', async () => {
    const { json: first } = await server.post(configMaps, { metadata: { name: 'stale' }, data: { a: '1' } });
    await server.put(`${configMaps}/stale`, { ...first, data: { a: '2' } });
    const { status, json } = await server.put(`${configMaps}/stale`, { ...first, data: { a: '3' } });
    expect([status, json.reason]).toEqual([409, 'Conflict']);
    expect(json.message).toBe(
      'Operation cannot be fulfilled on configmaps "stale": the object has been modified; please apply your changes to the latest version and try again',
    );
    expect((await server.get(`${configMaps}/stale`)).json.data).toEqual({ a: '2' });
  });

  test('without a resourceVersion overwrites', async () => {
    await server.post(configMaps, { metadata: { name: 'blind' } });
    const { status } = await server.put(`${configMaps}/blind`, {
      metadata: { name: 'blind' },
      data: { b: '1' },
    });
    expect(status).toBe(200);
  });

  test('that changes nothing keeps the resourceVersion', async () => {
    const { json } = await server.post(configMaps, { metadata: { name: 'same' }, data: { a: '1' } });
    const again = await server.put(`${configMaps}/same`, json);
    expect(again.json.metadata?.resourceVersion).toBe(json.metadata?.resourceVersion);
  });

  test('of another name than the path says is BadRequest', async () => {
    await server.post(configMaps, { metadata: { name: 'one' } });
    const { status, json } = await server.put(`${configMaps}/one`, { metadata: { name: 'two' } });
    expect(status).toBe(400);
    expect(json.message).toBe('the name of the object (two) does not match the name on the URL (one)');
  });

  test('of an object leaves its status alone, of its status leaves the rest', async () => {
    const { json } = await server.post(pods, pod('split'));
    const moved = { ...json, status: { phase: 'Running' } } as object;
    expect((await server.put(`${pods}/split`, moved)).json.status?.phase).toBe('Pending');
    const { json: now } = await server.get(`${pods}/split`);
    const status = await server.put(`${pods}/split/status`, {
      ...now,
      spec: {},
      status: { phase: 'Running' },
    });
    expect(status.status).toBe(200);
    expect(status.json.status?.phase).toBe('Running');
    expect(status.json.spec?.containers).toHaveLength(1);
  });
});

describe('patch', () => {
  test('of the four kinds', async () => {
    const path = `${configMaps}/patched`;
    await server.post(configMaps, { metadata: { name: 'patched' }, data: { a: '1', b: '2' } });
    const merge = await server.patch(path, 'application/merge-patch+json', { data: { b: null, c: '3' } });
    expect(merge.json.data).toEqual({ a: '1', c: '3' });
    const strategic = await server.patch(path, 'application/strategic-merge-patch+json', {
      data: { d: '4' },
    });
    expect(strategic.json.data).toEqual({ a: '1', c: '3', d: '4' });
    const json = await server.patch(path, 'application/json-patch+json', [{ op: 'remove', path: '/data/a' }]);
    expect(json.json.data).toEqual({ c: '3', d: '4' });
    const apply = await server.patch(
      `${path}?fieldManager=me`,
      'application/apply-patch+yaml',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: patched}\ndata: {e: "5"}',
    );
    expect(apply.json.data).toEqual({ c: '3', d: '4', e: '5' });
  });

  test('that fails its test operation is Invalid and changes nothing', async () => {
    await server.post(configMaps, { metadata: { name: 'tested' }, data: { a: '1' } });
    const { status } = await server.patch(`${configMaps}/tested`, 'application/json-patch+json', [
      { op: 'test', path: '/data/a', value: '2' },
      { op: 'replace', path: '/data/a', value: '3' },
    ]);
    expect(status).toBe(422);
    expect((await server.get(`${configMaps}/tested`)).json.data).toEqual({ a: '1' });
  });

  test('of many at once on one object loses none', async () => {
    await server.post(configMaps, { metadata: { name: 'busy' } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        server.patch(`${configMaps}/busy`, 'application/merge-patch+json', { data: { [`k${i}`]: 'v' } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(Object.keys((await server.get(`${configMaps}/busy`)).json.data ?? {})).toHaveLength(20);
  });

  test('apply makes what there is not, and conflicts with other managers', async () => {
    const path = `${configMaps}/applied`;
    const body = (value: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'applied' },
      data: { a: value },
    });
    const type = 'application/apply-patch+yaml';
    expect((await server.patch(`${path}?fieldManager=one`, type, body('1'))).status).toBe(201);
    const conflict = await server.patch(`${path}?fieldManager=two`, type, body('2'));
    expect([conflict.status, conflict.json.reason]).toEqual([409, 'Conflict']);
    const forced = await server.patch(`${path}?fieldManager=two&force=true`, type, body('2'));
    expect(forced.json.data).toEqual({ a: '2' });
    expect((await server.patch(path, type, body('3'))).status).toBe(422);
  });
});

describe('delete', () => {
  test('of a kind without grace answers with a Status', async () => {
    await server.post(configMaps, { metadata: { name: 'gone' } });
    const { status, json } = await server.delete(`${configMaps}/gone`);
    expect([status, json.kind, json.status]).toEqual([200, 'Status', 'Success']);
    expect(json.details).toMatchObject({ name: 'gone', kind: 'configmaps' });
    expect((await server.get(`${configMaps}/gone`)).status).toBe(404);
  });

  test('waits for finalizers', async () => {
    const path = `${configMaps}/held`;
    await server.post(configMaps, { metadata: { name: 'held', finalizers: ['example.com/hold'] } });
    const { json } = await server.delete(path);
    expect(json.metadata?.deletionTimestamp).toBeDefined();
    const added = await server.patch(path, 'application/merge-patch+json', {
      metadata: { finalizers: ['example.com/hold', 'example.com/more'] },
    });
    expect(added.status).toBe(422);
    await server.patch(path, 'application/merge-patch+json', { metadata: { finalizers: null } });
    expect((await server.get(path)).status).toBe(404);
  });

  test('with preconditions that do not hold is a Conflict', async () => {
    await server.post(configMaps, { metadata: { name: 'guarded' } });
    const { status } = await server.delete(`${configMaps}/guarded`, { preconditions: { uid: 'another' } });
    expect(status).toBe(409);
  });

  test('of a pod on a node gives it its grace, and the kubelet ends it', async () => {
    await server.post(pods, pod('graceful', { terminationGracePeriodSeconds: 20 }));
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'graceful' },
      target: { kind: 'Node', name: 'n1' },
    };
    expect((await server.post(`${pods}/graceful/binding`, binding)).status).toBe(201);
    const second = await server.post(`${pods}/graceful/binding`, binding);
    expect([second.status, second.json.reason]).toEqual([409, 'Conflict']);
    const { json } = await server.delete(`${pods}/graceful`);
    expect(json.metadata?.deletionGracePeriodSeconds).toBe(20);
    expect(json.status?.conditions?.[0]).toMatchObject({ type: 'PodScheduled', status: 'True' });
    expect((await server.get(`${pods}/graceful`)).status).toBe(200);
    await server.delete(`${pods}/graceful`, { gracePeriodSeconds: 0 });
    expect((await server.get(`${pods}/graceful`)).status).toBe(404);
  });

  test('marks what foreground and orphan deletion wait for', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    const make = (name: string) =>
      server.post(deployments, {
        metadata: { name },
        spec: {
          selector: { matchLabels: { app: name } },
          template: {
            metadata: { labels: { app: name } },
            spec: { containers: [{ name: 'c', image: 'i' }] },
          },
        },
      });
    await make('fg');
    expect(
      (await server.delete(`${deployments}/fg`, { propagationPolicy: 'Foreground' })).json.metadata
        ?.finalizers,
    ).toEqual(['foregroundDeletion']);
    await make('orphan');
    await server.delete(`${deployments}/orphan?propagationPolicy=Orphan`);
    expect((await server.get(`${deployments}/orphan`)).json.metadata?.finalizers).toEqual(['orphan']);
  });

  test('of a namespace waits for its finalizer', async () => {
    await server.post('/api/v1/namespaces', { metadata: { name: 'going' } });
    const { json } = await server.delete('/api/v1/namespaces/going');
    expect(json.status?.phase).toBe('Terminating');
    const refused = await server.post('/api/v1/namespaces/going/configmaps', { metadata: { name: 'late' } });
    expect(refused.status).toBe(403);
    expect(refused.json.message).toContain('because it is being terminated');
    const { json: now } = await server.get('/api/v1/namespaces/going');
    await server.put('/api/v1/namespaces/going/finalize', { ...now, spec: { finalizers: [] } });
    expect((await server.get('/api/v1/namespaces/going')).status).toBe(404);
  });

  test('of a collection takes what the selector names', async () => {
    for (const [name, color] of [
      ['c1', 'red'],
      ['c2', 'red'],
      ['c3', 'blue'],
    ]) {
      await server.post(configMaps, { metadata: { name, labels: { color } } });
    }
    await server.delete(`${configMaps}?labelSelector=color%3Dred`);
    const { json } = await server.get(`${configMaps}?labelSelector=color`);
    expect(json.items?.map((item) => item.metadata?.name)).toEqual(['c3']);
  });
});

describe('scale', () => {
  test('reads and sets the replicas of a Deployment', async () => {
    const path = '/apis/apps/v1/namespaces/default/deployments';
    await server.post(path, {
      metadata: { name: 'scaled' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 's' } },
        template: { metadata: { labels: { app: 's' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    const { json } = await server.get(`${path}/scaled/scale`);
    expect(json).toMatchObject({ kind: 'Scale', spec: { replicas: 2 }, status: { selector: 'app=s' } });
    const accept = (as: string) => ({ headers: { accept: `application/json;as=${as};v=v1;g=meta.k8s.io` } });
    const table = await server.get(`${path}/scaled/scale`, accept('Table'));
    expect(table.json.columnDefinitions).toMatchObject(
      ['Name', 'Desired', 'Available', 'Age'].map((name) => ({ name })),
    );
    expect(table.json.rows).toMatchObject([{ cells: ['scaled', 2, 0, expect.any(String)] }]);
    const metadata = await server.get(`${path}/scaled/scale`, accept('PartialObjectMetadata'));
    expect(metadata.json).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'scaled' } });
    const put = await server.put(`${path}/scaled/scale`, { ...json, spec: { replicas: 5 } });
    expect(put.json.spec?.replicas).toBe(5);
    const patched = await server.patch(`${path}/scaled/scale`, 'application/merge-patch+json', {
      spec: { replicas: 0 },
    });
    expect(patched.json.spec).toEqual({ replicas: 0 });
    const negative = await server.patch(`${path}/scaled/scale`, 'application/merge-patch+json', {
      spec: { replicas: -1 },
    });
    expect(negative.status).toBe(422);
  });
});
