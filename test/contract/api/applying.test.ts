/** Server-side apply (KEP-555) through the API: who owns what, and who must be asked. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ManagedFieldsEntry } from '../../../lib/api/gen/types.ts';
import { type Json, startServer, type TestServer } from '../../support/api-server.ts';
import { eventually } from '../../support/wait.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const apply = (path: string, manager: string, body: object, query = '') =>
  server.patch(`${path}?fieldManager=${manager}${query}`, 'application/apply-patch+yaml', body);
const merge = (path: string, manager: string, body: object) =>
  server.patch(`${path}?fieldManager=${manager}`, 'application/merge-patch+json', body);
const managers = (json: Json) => (json.metadata?.managedFields ?? []) as ManagedFieldsEntry[];
const ofManager = (json: Json, name: string) => managers(json).filter(({ manager }) => manager === name);
const deployment = (spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { labels: { app: 'a' } },
  spec: {
    selector: { matchLabels: { app: 'a' } },
    template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'one' }] } },
    ...spec,
  },
});

test('creates what is not there, and conflicts name each field and its owner', async () => {
  const path = `${deployments}/conflicts`;
  const made = await apply(path, 'first', deployment({ replicas: 2 }));
  expect([made.status, ofManager(made.json, 'first')[0]?.operation]).toEqual([201, 'Apply']);
  const refused = await apply(path, 'second', deployment({ replicas: 3 }));
  expect(refused.status).toBe(409);
  expect(refused.json.message).toBe('Apply failed with 1 conflict: conflict with "first": .spec.replicas');
  expect(refused.json.details).toMatchObject({
    causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "first"', field: '.spec.replicas' }],
  });
  const forced = await apply(path, 'second', deployment({ replicas: 3 }), '&force=true');
  expect([forced.status, forced.json.spec?.replicas]).toEqual([200, 3]);
  expect(JSON.stringify(ofManager(forced.json, 'first'))).not.toContain('f:replicas');
  // What its only owner gives up is gone; what another shares stays.
  const dropped = await apply(path, 'second', deployment());
  expect(dropped.json.spec?.replicas).toBe(1);
  const unnamed = await server.patch(path, 'application/apply-patch+yaml', deployment());
  expect([unnamed.status, unnamed.json.message]).toEqual([
    422,
    expect.stringContaining('fieldManager: Required value: is required for apply patch'),
  ]);
});

test('makes nothing in place of an object that a uid means, but heeds no revision of one that is gone', async () => {
  const of = (name: string, metadata: object) => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, ...metadata },
  });
  const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
  const ways = {
    applied: (name: string, metadata: object) => apply(`${leases}/${name}`, 'one', of(name, metadata)),
    put: (name: string, metadata: object) => server.put(`${leases}/${name}`, of(name, metadata)),
  };
  const reasons = {
    applied: 'uid mismatch: the provided object specified uid gone, and no existing object was found',
    put: 'Precondition failed: UID in precondition: gone, UID in object meta: ',
  };
  for (const way of ['applied', 'put'] as const) {
    const name = `absent-${way}`;
    const refused = await ways[way](name, { uid: 'gone', resourceVersion: '77' });
    expect([refused.status, refused.json.reason], way).toEqual([409, 'Conflict']);
    expect(refused.json.message).toBe(
      `Operation cannot be fulfilled on leases.coordination.k8s.io "${name}": ${reasons[way]}`,
    );
    expect((await server.get(`${leases}/${name}`)).status).toBe(404);
    const made = await ways[way](name, { resourceVersion: '77' });
    expect(made.status, way).toBe(201);
    expect(made.json.metadata?.resourceVersion).not.toBe('77');
  }
});

test('subresources have managers of their own', async () => {
  const path = `${deployments}/parts`;
  await apply(path, 'owner', deployment());
  const status = { apiVersion: 'apps/v1', kind: 'Deployment', status: { observedGeneration: 1 } };
  const { json } = await apply(`${path}/status`, 'controller', status);
  expect(ofManager(json, 'controller')).toMatchObject([
    { operation: 'Apply', subresource: 'status', fieldsV1: { 'f:status': { 'f:observedGeneration': {} } } },
  ]);
  const scaled = await server.patch(`${path}/scale?fieldManager=scaler`, 'application/merge-patch+json', {
    spec: { replicas: 5 },
  });
  expect(scaled.status).toBe(200);
  const read = await server.get(path);
  expect(ofManager(read.json, 'scaler')).toMatchObject([
    { operation: 'Update', subresource: 'scale', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
  ]);
  const again = await apply(path, 'owner', deployment({ replicas: 1 }));
  expect(again.json.message).toContain(
    'conflict with "scaler" with subresource "scale" using apps/v1: .spec.replicas',
  );
});

test('nobody comes to own by a status what an update of it resets', async () => {
  const schemas = '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas';
  const flowSchema = {
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name: 'reset', labels: { a: 'b' } },
    spec: { priorityLevelConfiguration: { name: 'global-default' } },
  };
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'reset', labels: { a: 'b' } },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  const cases: [path: string, object: { metadata: object }, labels: object, owned: string[]][] = [
    [`${schemas}/reset`, flowSchema, { a: 'b' }, ['f:status']],
    [
      `${deployments}/reset`,
      { ...deployment(), metadata: { name: 'reset', labels: { a: 'b' } } },
      { a: 'b' },
      ['f:status'],
    ],
    [
      '/api/v1/namespaces/default/persistentvolumeclaims/reset',
      claim,
      { a: 'c' },
      ['f:metadata', 'f:status'],
    ],
  ];
  for (const [path, object, labels, owned] of cases) {
    expect((await apply(path, 'owner', object)).status, path).toBe(201);
    const conditions = [{ type: 'Told', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' }];
    const told = { ...object, metadata: { ...object.metadata, labels: { a: 'c' } }, status: { conditions } };
    const { status, json, text } = await apply(`${path}/status`, 'teller', told, '&force=true');
    expect(status, text).toBe(200);
    expect(json.metadata?.labels).toEqual(labels);
    expect(ofManager(json, 'teller').flatMap(({ fieldsV1 }) => Object.keys(fieldsV1 ?? {}))).toEqual(owned);
    const updated = await merge(`${path}/status`, 'patcher', { metadata: { labels: { a: 'd' } } });
    expect(ofManager(updated.json, 'patcher')).toHaveLength(owned.length - 1);
  }
});

test('a scale is applied as its workload is, and who owns the replicas is told on both sides', async () => {
  const path = `${deployments}/scaled`;
  const owners = async () => {
    const { json } = await server.get(path);
    const entries = managers(json).filter(
      ({ fieldsV1 }) =>
        (fieldsV1 as Record<string, object>)['f:spec'] && JSON.stringify(fieldsV1).includes('f:replicas'),
    );
    return [json.spec?.replicas, new Set(entries.map(({ manager }) => manager))];
  };
  const scale = (replicas: number, metadata: object = { name: 'scaled' }) => ({
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata,
    spec: { replicas },
  });
  await apply(path, 'owner', deployment({ replicas: 1 }));
  const refused = await apply(`${path}/scale`, 'scaler', scale(17));
  expect([refused.status, refused.json.message]).toEqual([
    409,
    'Apply failed with 1 conflict: conflict with "owner": .spec.replicas',
  ]);
  const dry = await apply(`${path}/scale`, 'scaler', scale(17), '&force=true&dryRun=All');
  expect(dry.json).toMatchObject({ kind: 'Scale', spec: { replicas: 17 } });
  expect(await owners()).toEqual([1, new Set(['owner'])]);
  const forced = await apply(`${path}/scale`, 'scaler', scale(17), '&force=true');
  expect([forced.status, forced.json.spec?.replicas]).toEqual([200, 17]);
  expect(await owners()).toEqual([17, new Set(['scaler'])]);
  const { json } = await server.get(path);
  expect(ofManager(json, 'scaler')).toEqual([
    {
      manager: 'scaler',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      subresource: 'scale',
      time: expect.any(String) as unknown,
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    },
  ]);
  expect(JSON.stringify(ofManager(json, 'owner'))).toContain('f:template');
  // Another who wants the same shares it, and nothing is written for who wants it again.
  await apply(`${path}/scale`, 'friend', scale(17));
  expect(await owners()).toEqual([17, new Set(['friend', 'scaler'])]);
  const before = (await server.get(path)).json.metadata?.resourceVersion;
  await apply(`${path}/scale`, 'friend', scale(17));
  expect((await server.get(path)).json.metadata?.resourceVersion).toBe(before);
  await merge(`${path}/scale`, 'hand', { spec: { replicas: 5 } });
  expect(await owners()).toEqual([5, new Set(['hand'])]);
  expect((await apply(`${path}/scale`, 'friend', scale(6))).json.message).toBe(
    'Apply failed with 1 conflict: conflict with "hand" with subresource "scale" using autoscaling/v1: .spec.replicas',
  );
  const wrong: [body: object, status: number, message: string][] = [
    [scale(1, { name: 'other' }), 400, 'does not match the name on the URL (scaled)'],
    [scale(5, { name: 'scaled', uid: 'u' }), 409, 'Precondition failed: UID in precondition: u'],
    [deployment(), 400, 'invalid object type: apps/v1, Kind=Deployment'],
    [{ ...scale(1), data: {} }, 400, '.data: field not declared in schema'],
    [scale(-1), 422, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
  ];
  for (const [body, status, message] of wrong) {
    const answer = await apply(`${path}/scale`, 'hand', body, '&force=true');
    expect([answer.status, answer.json.message]).toEqual([status, expect.stringContaining(message)]);
  }
  expect(await owners()).toEqual([5, new Set(['hand'])]);
});

test('what kubectl applied at the client is taken over without a conflict', async () => {
  const path = `${deployments}/upgraded`;
  const wanted = { ...deployment({ replicas: 2 }), metadata: { name: 'upgraded', labels: { app: 'a' } } };
  const last = 'kubectl.kubernetes.io/last-applied-configuration';
  const annotated = {
    ...wanted,
    metadata: { ...wanted.metadata, annotations: { [last]: JSON.stringify(wanted) } },
  };
  await server.post(`${deployments}?fieldManager=kubectl-client-side-apply`, annotated);
  const changed = await apply(path, 'kubectl', deployment({ replicas: 4 }));
  expect([changed.status, changed.json.spec?.replicas]).toEqual([200, 4]);
  expect(changed.json.metadata?.annotations?.[last]).toContain('"replicas":4');
});

test('lists are merged by their keys, sets by their members, and atomic ones as a whole', async () => {
  const path = '/api/v1/namespaces/default/services/merged';
  const service = (spec: object, metadata: object = {}) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec,
  });
  await apply(
    path,
    'a',
    service(
      { ports: [{ name: 'http', port: 80 }], externalIPs: ['192.0.2.1'] },
      { finalizers: ['example.com/a'] },
    ),
  );
  const both = await apply(
    path,
    'b',
    service({ ports: [{ name: 'https', port: 443 }] }, { finalizers: ['example.com/b'] }),
  );
  expect(both.status, both.text).toBe(200);
  expect(both.json.spec?.ports).toMatchObject([{ name: 'http' }, { name: 'https' }]);
  expect(both.json.metadata?.finalizers?.toSorted()).toEqual(['example.com/a', 'example.com/b']);
  const atomic = await apply(
    path,
    'b',
    service({ ports: [{ name: 'https', port: 443 }], externalIPs: ['192.0.2.2'] }),
  );
  expect([atomic.status, atomic.json.message]).toEqual([409, expect.stringContaining('.spec.externalIPs')]);
});

test('a dry run changes nothing, and takes no address', async () => {
  const before = await server.get('/apis/networking.k8s.io/v1/ipaddresses');
  const service = { apiVersion: 'v1', kind: 'Service', spec: { type: 'NodePort', ports: [{ port: 80 }] } };
  const path = '/api/v1/namespaces/default/services/dry';
  const dry = await apply(path, 'm', service, '&dryRun=All');
  expect([dry.status, dry.json.metadata?.uid !== undefined]).toEqual([201, true]);
  await server.post('/api/v1/namespaces/default/services?dryRun=All', {
    metadata: { generateName: 'x-' },
    spec: service.spec,
  });
  expect((await server.get(path)).status).toBe(404);
  const after = await server.get('/apis/networking.k8s.io/v1/ipaddresses');
  expect(after.json.items?.length).toBe(before.json.items?.length);
});

test('who wrote in another version keeps what it owns', async () => {
  const v1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/versions';
  const v2 = v1.replace('autoscaling/v1', 'autoscaling/v2');
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
  const old = await apply(v1, 'old', {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
  });
  expect(old.status, old.text).toBe(201);
  const changed = await merge(v2, 'young', { metadata: { labels: { a: 'b' } } });
  expect(ofManager(changed.json, 'old')).toMatchObject([
    { apiVersion: 'autoscaling/v1', operation: 'Apply' },
  ]);
  const conflict = await apply(v2, 'young', {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    spec: { scaleTargetRef, maxReplicas: 9 },
  });
  expect([conflict.status, conflict.json.message]).toEqual([
    409,
    'Apply failed with 1 conflict: conflict with "old": .spec.maxReplicas',
  ]);
});

test('no patch calls an object otherwise than its path does, nor moves it', async () => {
  const events = '/api/v1/namespaces/default/events';
  const event = { metadata: { name: 'e' }, involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' } };
  expect((await server.post(events, event)).status).toBe(201);
  const named = (metadata: object) => ({ apiVersion: 'v1', kind: 'Event', metadata });
  for (const metadata of [{ name: 'other' }, { namespace: 'kube-system' }]) {
    const applied = await apply(`${events}/e`, 'm', named(metadata));
    const merged = await merge(`${events}/e`, 'm', { metadata });
    for (const { status, json } of [applied, merged]) {
      expect([status, json.message]).toEqual([400, expect.stringContaining('does not match the name')]);
    }
  }
  const made = await apply(`${events}/new`, 'm', { ...event, ...named({ name: 'other' }) });
  expect([made.status, made.json.message]).toEqual([
    400,
    'the name of the object (other) does not match the name on the URL (new)',
  ]);
  expect((await server.get(`${events}/other`)).status).toBe(404);
});

/** A template in words that say nothing, or what defaults would say in others. */
const wordy = {
  hostNetwork: false,
  nodeSelector: {},
  tolerations: [{ operator: 'Exists', key: '' }],
  containers: [
    {
      name: 'c',
      image: 'one',
      args: [],
      stdin: false,
      resources: { limits: {} },
      env: [{ name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    },
  ],
};
const wordyDeployment = {
  ...deployment({ template: { metadata: { labels: { app: 'a' }, annotations: {} }, spec: wordy } }),
  metadata: { name: 'wordy', annotations: {} },
};

test('what says nothing is no change and nobody comes to own it, however it is written again', async () => {
  const path = `${deployments}/wordy`;
  const made = await server.post(`${deployments}?fieldManager=maker`, wordyDeployment);
  expect(made.status, made.text).toBe(201);
  expect(made.json.metadata).not.toHaveProperty('annotations');
  const owned = JSON.stringify(ofManager(made.json, 'maker'));
  for (const field of ['f:annotations', 'f:hostNetwork', 'f:nodeSelector', 'f:args', 'f:stdin', 'f:limits']) {
    expect(owned).not.toContain(field);
  }
  const replaced = await server.put(path, wordyDeployment);
  const merged = await merge(path, 'other', wordyDeployment);
  const strategic = await server.patch(path, 'application/strategic-merge-patch+json', wordyDeployment);
  for (const { status, json } of [replaced, merged, strategic]) {
    expect([status, json.metadata?.resourceVersion]).toEqual([200, made.json.metadata?.resourceVersion]);
  }
});

test('who applies the same again, in words that defaults complete, writes nothing', async () => {
  const path = `${deployments}/wordy`;
  const first = await apply(path, 'applier', wordyDeployment, '&force=true');
  const [{ time = '' } = {}] = ofManager(first.json, 'applier');
  // Times are whole seconds.
  await eventually('the next second', () =>
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(time) + 1_000),
  );
  const second = await apply(path, 'applier', wordyDeployment);
  expect([second.status, second.json]).toEqual([200, first.json]);
  expect(second.json.metadata?.generation).toBe(1);
});

test('a pod is applied again with empty lists that it does not have', async () => {
  const path = '/api/v1/namespaces/default/pods/wordy';
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'wordy' }, spec: wordy };
  expect((await apply(path, 'applier', pod)).status).toBe(201);
  const again = await apply(path, 'applier', pod);
  expect(again.status, again.text).toBe(200);
});

test('what is applied into being is told of its types as what is applied to something', async () => {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'typed' }, data: { a: true } };
  const refused = await apply('/api/v1/namespaces/default/configmaps/typed', 'applier', body);
  expect([refused.status, refused.json.message]).toEqual([
    400,
    expect.stringContaining(
      'failed to create typed patch object (/typed; v1, Kind=ConfigMap): .data.a: expected string',
    ),
  ]);
});
