/** Deletions, one by one and by collection, by their options. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeProtobuf } from '../../../lib/api/protobuf/index.ts';
import type { Schema } from '../../../lib/api/schema.ts';
import { schemaFor } from '../../../lib/api/schemas.ts';
import { type Json, startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const names = (json: Json) => (json.items ?? []).map((item) => item.metadata?.name);
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

test('preconditions are kept, in the words of kube-apiserver', async () => {
  const { json } = await server.post(maps, { metadata: { name: 'guarded' } });
  const uid = String(json.metadata?.uid);
  const refused: [preconditions: object, message: string][] = [
    [
      { uid: 'other' },
      `Operation cannot be fulfilled on ConfigMap "guarded": the UID in the precondition (other) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    ],
    [
      { resourceVersion: '1' },
      `the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${json.metadata?.resourceVersion}). The object might have been modified`,
    ],
  ];
  for (const [preconditions, message] of refused) {
    const answer = await server.delete(`${maps}/guarded`, { preconditions });
    expect([answer.status, answer.json.message]).toEqual([409, expect.stringContaining(message)]);
  }
  const { resourceVersion } = json.metadata ?? {};
  expect((await server.delete(`${maps}/guarded`, { preconditions: { uid, resourceVersion } })).status).toBe(
    200,
  );
});

test('options are read from the body of any group, or from the query, and checked', async () => {
  const refused: [query: string, body: object | undefined, status: number, message: string][] = [
    [
      '?propagationPolicy=Sideways',
      undefined,
      422,
      'propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"',
    ],
    [
      '',
      { propagationPolicy: 'Orphan', orphanDependents: true },
      422,
      'propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    ],
    ['?gracePeriodSeconds=soon', undefined, 400, 'strconv.ParseInt: parsing "soon": invalid syntax'],
    ['?dryRun=Some', undefined, 422, 'dryRun: Unsupported value: ["Some"]: supported values: "All"'],
    ['', { kind: 'Pod', apiVersion: 'v1' }, 400, 'Pod'],
  ];
  await server.post(maps, { metadata: { name: 'kept' } });
  for (const [query, body, status, message] of refused) {
    const answer = await server.delete(`${maps}/kept${query}`, body);
    expect([answer.status, answer.json.message], query).toEqual([status, expect.stringContaining(message)]);
  }
  for (const apiVersion of ['v1', 'meta.k8s.io/v1', 'apps/v1']) {
    const body = { kind: 'DeleteOptions', apiVersion, dryRun: ['All'] };
    expect((await server.delete(`${maps}/kept`, body)).status, apiVersion).toBe(200);
    const schema = schemaFor('', 'v1', 'DeleteOptions') as Schema;
    const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' };
    const binary = await server.delete(`${maps}/kept`, encodeProtobuf(body, schema), { headers });
    expect(binary.status, `${apiVersion} ${binary.text}`).toBe(200);
  }
  expect((await server.get(`${maps}/kept`)).status).toBe(200);
});

test('a pod on a node waits for it; the wait can be made shorter, and never longer', async () => {
  await server.post(pods, {
    metadata: { name: 'p' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
  });
  const first = await server.delete(`${pods}/p`, { gracePeriodSeconds: 600 });
  expect(first.json.metadata).toMatchObject({ deletionGracePeriodSeconds: 600, generation: 2 });
  const longer = await server.delete(`${pods}/p`, { gracePeriodSeconds: 900 });
  expect(longer.json.metadata?.deletionTimestamp).toBe(first.json.metadata?.deletionTimestamp);
  const shorter = await server.delete(`${pods}/p`, { gracePeriodSeconds: -5 });
  expect(shorter.json.metadata?.deletionGracePeriodSeconds).toBe(1);
  const end = await server.delete(`${pods}/p`, { gracePeriodSeconds: 0 });
  expect(end.status).toBe(200);
  expect((await server.get(`${pods}/p`)).status).toBe(404);
});

test('a collection is deleted as its list is read: by selector, by page, and not at all when dry', async () => {
  await server.post('/api/v1/namespaces', { metadata: { name: 'collected' } });
  const path = '/api/v1/namespaces/collected/configmaps';
  for (let i = 0; i < 6; i++) {
    await server.post(path, { metadata: { name: `c-${i}`, labels: { parity: i % 2 ? 'odd' : 'even' } } });
  }
  const dry = await server.delete(`${path}?dryRun=All`);
  expect(dry.json.items).toHaveLength(6);
  expect(names((await server.get(path)).json)).toHaveLength(6);
  const odd = await server.delete(`${path}?labelSelector=parity%3Dodd`);
  expect([odd.json.kind, names(odd.json)]).toEqual(['ConfigMapList', ['c-1', 'c-3', 'c-5']]);
  const page = await server.delete(`${path}?limit=2`);
  expect(names(page.json)).toEqual(['c-0', 'c-2']);
  expect(page.json.metadata?.remainingItemCount).toBe(1);
  const rest = await server.delete(
    `${path}?continue=${encodeURIComponent(String(page.json.metadata?.continue))}`,
  );
  expect(names(rest.json)).toEqual(['c-4']);
  expect(names((await server.get(path)).json)).toEqual([]);
});

test('a pod takes its own labels into its selectors when it is created', async () => {
  const labelSelector = { matchLabels: { app: 'a' } };
  const { status, json } = await server.post(pods, {
    metadata: { name: 'keys', labels: { app: 'a', version: 'v2', tenant: 't' } },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector,
          matchLabelKeys: ['version', 'absent'],
        },
      ],
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            {
              topologyKey: 'host',
              labelSelector,
              matchLabelKeys: ['version'],
              mismatchLabelKeys: ['tenant'],
            },
          ],
        },
      },
    },
  });
  expect(status, JSON.stringify(json)).toBe(201);
  const own = { key: 'version', operator: 'In', values: ['v2'] };
  expect(json.spec).toMatchObject({
    topologySpreadConstraints: [{ labelSelector: { ...labelSelector, matchExpressions: [own] } }],
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            labelSelector: {
              ...labelSelector,
              matchExpressions: [own, { key: 'tenant', operator: 'NotIn', values: ['t'] }],
            },
          },
        ],
      },
    },
  });
});
