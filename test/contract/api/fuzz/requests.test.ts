import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Peer } from '../../../../lib/http/types.ts';
import { startServer, type TestServer } from '../../../support/api-server.ts';
import fc from '../../../support/property.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

const peer: Peer = { via: 'process', user: { username: 'fuzz', groups: ['system:masters'] } };
const word = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    'api',
    'apis',
    'v1',
    'apps',
    'namespaces',
    'default',
    'pods',
    'services',
    'configmaps',
    'deployments',
    'x',
    'status',
    'scale',
    'binding',
    'log',
    'exec',
    'token',
    'finalize',
    'eviction',
    '%2e%2e',
    '..',
    '',
  ),
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(-1, 1.5, 1e300, '', 'None', [null], [{}], {}, { name: 'a' }, [{ name: 'c', image: 'i' }]),
);
const keys = [
  'metadata',
  'spec',
  'status',
  'data',
  'kind',
  'apiVersion',
  'target',
  'deleteOptions',
  'subsets',
  'involvedObject',
];
const nested = [
  'name',
  'namespace',
  'labels',
  'annotations',
  'finalizers',
  'generateName',
  'resourceVersion',
  'managedFields',
  'ownerReferences',
  'deletionTimestamp',
  'containers',
  'ports',
  'clusterIP',
  'clusterIPs',
  'type',
  'replicas',
  'selector',
  'template',
  'audiences',
  'expirationSeconds',
  'boundObjectRef',
  'nodeName',
  'tolerations',
  'volumes',
];
const body = fc.dictionary(
  fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 5 })),
  fc.oneof(value, fc.dictionary(fc.constantFrom(...nested), value, { maxKeys: 6 })),
  { maxKeys: 6 },
);
const query = fc.dictionary(
  fc.constantFrom(
    'limit',
    'continue',
    'labelSelector',
    'fieldSelector',
    'resourceVersion',
    'resourceVersionMatch',
    'dryRun',
    'fieldManager',
    'force',
    'fieldValidation',
    'gracePeriodSeconds',
    'propagationPolicy',
    'pretty',
    'includeObject',
    'tailLines',
  ),
  fc.oneof(
    fc.string({ maxLength: 10 }),
    fc.constantFrom('1', '-1', '0', 'All', 'a=b', 'metadata.name=x', 'Strict', 'Exact', 'true'),
  ),
  { maxKeys: 4 },
);
const resources = [
  'api/v1/namespaces/default/pods',
  'api/v1/namespaces/default/services',
  'api/v1/namespaces/default/configmaps',
  'api/v1/namespaces',
  'api/v1/nodes',
  'apis/apps/v1/namespaces/default/deployments',
  'api/v1/namespaces/default/events',
  'apis/events.k8s.io/v1/namespaces/default/events',
  'apis/networking.k8s.io/v1/ipaddresses',
];
const path = fc.oneof(
  fc.array(word, { maxLength: 8 }).map((parts) => `/${parts.join('/')}`),
  fc
    .tuple(fc.constantFrom(...resources), fc.array(word, { maxLength: 2 }))
    .map(([resource, rest]) => ['', resource, ...rest].join('/')),
);
const contentType = fc.constantFrom(
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'text/plain',
);
const accept = fc.constantFrom(
  'application/json',
  'application/yaml',
  '*/*',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'x',
);

test('nothing that a client sends is a fault of the server', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
      path,
      query,
      fc.oneof(
        body.map((object) => JSON.stringify(object)),
        fc.string(),
        fc.array(body, { maxLength: 3 }).map((list) => JSON.stringify(list)),
      ),
      contentType,
      accept,
      async (method, target, parameters, text, type, accepted) => {
        const response = await server.handle({
          method,
          path: target,
          query: new URLSearchParams(parameters),
          headers: { 'content-type': type, accept: accepted },
          body: Buffer.from(text),
          peer,
          signal: AbortSignal.timeout(60_000),
        });
        expect(response.status, `${method} ${target}`).not.toBe(500);
      },
    ),
    { numRuns: 5_000 },
  );
}, 400_000);

const template = { metadata: { labels: { app: 'f' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const valid: [path: string, object: object][] = [
  ['/api/v1/namespaces/default/pods', { metadata: {}, spec: template.spec }],
  [
    '/api/v1/namespaces/default/services',
    { metadata: {}, spec: { type: 'NodePort', ports: [{ port: 80 }] } },
  ],
  ['/api/v1/namespaces/default/configmaps', { metadata: {}, data: { a: 'b' } }],
  ['/api/v1/namespaces/default/secrets', { metadata: {}, stringData: { a: 'b' } }],
  [
    '/api/v1/namespaces/default/endpoints',
    { metadata: {}, subsets: [{ addresses: [{ ip: '10.0.0.3' }], ports: [{ port: 1 }] }] },
  ],
  ['/api/v1/nodes', { metadata: {}, spec: {}, status: { capacity: { cpu: '1' } } }],
  ['/api/v1/namespaces', { metadata: {}, spec: {} }],
  [
    '/apis/apps/v1/namespaces/default/deployments',
    { metadata: {}, spec: { selector: { matchLabels: { app: 'f' } }, template } },
  ],
  [
    '/apis/apps/v1/namespaces/default/replicasets',
    { metadata: {}, spec: { selector: { matchLabels: { app: 'f' } }, template } },
  ],
  ['/apis/coordination.k8s.io/v1/namespaces/default/leases', { metadata: {}, spec: { holderIdentity: 'h' } }],
  [
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    { metadata: {}, addressType: 'IPv4', endpoints: [{ addresses: ['1.2.3.4'] }] },
  ],
];
const strange = fc.oneof(
  value,
  fc.constantFrom(
    0,
    65_536,
    30_000,
    '10.96.0.99',
    '999.1.1.1',
    'ClusterIP',
    'ExternalName',
    true,
    '1Gi',
    '-1',
    '2020-01-01T00:00:00Z',
    'a/b/c',
  ),
);

/** Puts a value in the place that the steps lead to; what stands in the way is replaced. */
function put(object: Record<string, unknown>, steps: readonly string[], leaf: unknown): void {
  let at: Record<string, unknown> = object;
  steps.slice(0, -1).forEach((step) => {
    if (at[step] === null || typeof at[step] !== 'object') at[step] = {};
    at = at[step] as Record<string, unknown>;
  });
  at[steps.at(-1) ?? 'x'] = leaf;
}
const inner = [
  'metadata',
  'spec',
  'status',
  '0',
  'containers',
  'ports',
  'port',
  'nodePort',
  'protocol',
  'template',
  'env',
  'resources',
  'limits',
  'cpu',
  'image',
  'addresses',
  'conditions',
  'strategy',
  'rollingUpdate',
  'maxSurge',
  'affinity',
  'securityContext',
  ...nested,
];
const mutation = fc.tuple(fc.array(fc.constantFrom(...inner), { minLength: 1, maxLength: 4 }), strange);

test('objects that are almost right are stored whole or refused with a reason', async () => {
  const seen = new Map<number, number>();
  let serial = 0;
  const send = async (method: string, target: string, sent: unknown, type: string) => {
    const response = await server.handle({
      method,
      path: target,
      query: new URLSearchParams(type.includes('apply') ? { fieldManager: 'fuzz' } : {}),
      headers: { 'content-type': type },
      body: Buffer.from(JSON.stringify(sent)),
      peer,
      signal: AbortSignal.timeout(60_000),
    });
    seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
    expect(response.status, `${method} ${target} ${JSON.stringify(sent)}`).not.toBe(500);
    return response.status;
  };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...valid),
      fc.array(mutation, { maxLength: 2 }),
      fc.array(mutation, { minLength: 1, maxLength: 2 }),
      fc.constantFrom('json', 'merge', 'strategic', 'apply', 'put', 'status'),
      async ([target, base], mutations, changes, how) => {
        const name = `fuzz-${serial++}`;
        const object = structuredClone(base) as Record<string, unknown>;
        put(object, ['metadata', 'name'], name);
        for (const [steps, leaf] of mutations) put(object, steps, leaf);
        if ((await send('POST', target, object, 'application/json')) !== 201) return;
        const patch: Record<string, unknown> = {};
        for (const [steps, leaf] of changes) put(patch, steps, leaf);
        const path = `${target}/${name}`;
        if (how === 'put' || how === 'status') {
          const changed = structuredClone(base) as Record<string, unknown>;
          put(changed, ['metadata', 'name'], name);
          for (const [steps, leaf] of changes) put(changed, steps, leaf);
          await send('PUT', how === 'status' ? `${path}/status` : path, changed, 'application/json');
        } else if (how === 'json') {
          const operations = changes.map(([steps, leaf]) => ({
            op: 'add',
            path: `/${steps.join('/')}`,
            value: leaf,
          }));
          await send('PATCH', path, operations, 'application/json-patch+json');
        } else if (how === 'apply') {
          const grouped = target.startsWith('/apis/') ? target.split('/').slice(2, 4).join('/') : 'v1';
          const stored = await server.get(path);
          await send(
            'PATCH',
            path,
            { ...patch, kind: stored.json.kind, apiVersion: grouped },
            'application/apply-patch+yaml',
          );
        } else {
          const type =
            how === 'merge' ? 'application/merge-patch+json' : 'application/strategic-merge-patch+json';
          await send('PATCH', path, patch, type);
        }
        await send(
          'DELETE',
          path,
          { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 },
          'application/json',
        );
      },
    ),
    { numRuns: 4_000 },
  );
  // Enough of it got past the door to say something.
  for (const status of [200, 201, 400, 422])
    expect(seen.get(status) ?? 0, String(status)).toBeGreaterThan(100);
}, 400_000);
