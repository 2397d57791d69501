import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

const container = {
  name: 'c',
  image: 'i',
  resources: { limits: { memory: '1500m' }, requests: { memory: '1' } },
  env: [
    { name: 'A', value: '1' },
    { name: 'A', value: '2' },
    { name: 'B', value: 'x' },
    { name: 'B', value: '$(B):y' },
  ],
};
const spec = {
  containers: [container],
  nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
  imagePullSecrets: [{ name: 's' }, { name: 's' }],
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
};
const wanted = (at: string) => [
  `${at}spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead`,
  `${at}spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod`,
  `${at}spec.imagePullSecrets[1].name: duplicate name "s"`,
  `${at}spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer`,
  `${at}spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply`,
];
const warnings = (headers: Record<string, string | string[] | undefined>) =>
  [...String(headers.warning).matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
    (text ?? '').replaceAll('\\"', '"'),
  );

test('pods are written with warnings of what works and not as it reads', async () => {
  const pod = await server.post('/api/v1/namespaces/default/pods', { metadata: { name: 'a.b' }, spec });
  expect(pod.status, pod.text).toBe(201);
  const [first, ...rest] = warnings(pod.headers);
  expect(first).toContain("metadata.name: this is used in the Pod's hostname");
  expect(rest).toEqual(wanted(''));
});

const template = { metadata: { labels: { app: 'a' } }, spec };
const selector = { matchLabels: { app: 'a' } };
const once = { ...template, spec: { ...spec, restartPolicy: 'Never' } };

test.each<[path: string, at: string, body: object]>([
  ['apps/v1 deployments', 'spec.template.', { spec: { selector, template } }],
  ['apps/v1 replicasets', 'spec.template.', { spec: { selector, template } }],
  ['apps/v1 daemonsets', 'spec.template.', { spec: { selector, template } }],
  ['apps/v1 statefulsets', 'spec.template.', { spec: { selector, template, serviceName: 's' } }],
  ['v1 replicationcontrollers', 'spec.template.', { spec: { selector: { app: 'a' }, template } }],
  ['v1 podtemplates', 'template.', { template }],
  ['batch/v1 jobs', 'spec.template.', { spec: { template: once } }],
  [
    'batch/v1 cronjobs',
    'spec.jobTemplate.spec.template.',
    { spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: { template: once } } } },
  ],
])(
  '%s are written with the warnings of their template, and no more once it stays',
  async (kind, at, body) => {
    const [version = '', plural = ''] = kind.split(' ');
    const path = `/${version === 'v1' ? 'api' : 'apis'}/${version}/namespaces/default/${plural}`;
    const made = await server.post(path, { metadata: { name: 'd' }, ...body });
    expect(made.status, made.text).toBe(201);
    expect(warnings(made.headers)).toEqual(wanted(at));
    const labelled = await server.patch(`${path}/d`, 'application/merge-patch+json', {
      metadata: { labels: { a: 'b' } },
    });
    expect(labelled.status, labelled.text).toBe(200);
    expect(labelled.headers.warning).toBeUndefined();
  },
);

test('templates of claims are written with the warnings of a claim', async () => {
  const resources = { requests: { storage: '1500m' } };
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources } };
  const made = await server.post('/apis/apps/v1/namespaces/default/statefulsets', {
    metadata: { name: 'with-claims' },
    spec: {
      selector,
      serviceName: 's',
      template: { ...template, spec: { containers: [{ name: 'c', image: 'i' }] } },
      volumeClaimTemplates: [claim],
    },
  });
  expect(made.status, made.text).toBe(201);
  expect(warnings(made.headers)).toEqual([
    'spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
  ]);
});

test('owners that stand twice stand once, and whoever wrote them is told', async () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'u-a' };
  const other = { ...owner, uid: 'u-b' };
  const metadata = (...ownerReferences: object[]) => ({ metadata: { name: 'owned', ownerReferences } });
  const said = (place: string) =>
    `.metadata.ownerReferences contains duplicate entries${place}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: u-a`;
  const created = await server.post(path, metadata(owner, owner));
  expect(created.json.metadata?.ownerReferences).toEqual([owner]);
  expect(warnings(created.headers)).toEqual([said('')]);
  const updated = await server.put(`${path}/owned`, metadata(owner, other, owner));
  expect(updated.json.metadata?.ownerReferences).toEqual([owner, other]);
  expect(warnings(updated.headers)).toEqual([said('')]);
  const patched = await server.patch(`${path}/owned`, 'application/json-patch+json', [
    { op: 'add', path: '/metadata/ownerReferences/-', value: owner },
  ]);
  expect(patched.json.metadata?.ownerReferences).toEqual([owner, other]);
  expect(warnings(patched.headers)).toEqual([said(' after mutating admission happens')]);
  // What one uid says in two ways is for the validation of the kind.
  const unlike = await server.put(`${path}/owned`, metadata(owner, { ...owner, name: 'b' }));
  expect(unlike.json.metadata?.ownerReferences).toHaveLength(2);
  expect(unlike.headers.warning).toBeUndefined();
});

test('whatever is asked of Endpoints is answered with what took their place', async () => {
  const told = ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'];
  const path = '/api/v1/namespaces/default/endpoints';
  const answers = [
    await server.get(path),
    await server.get(`${path}/nowhere`),
    await server.post(path, { metadata: { name: 'told' } }),
    await server.patch(`${path}/told`, 'application/merge-patch+json', { metadata: { labels: { a: 'b' } } }),
    await server.delete(`${path}/told`),
  ];
  expect(answers.map(({ status, headers }) => [status, warnings(headers)])).toEqual(
    [200, 404, 201, 200, 200].map((status) => [status, told]),
  );
});

test('warnings are told in any script, and are cut where they are many', async () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const foreign = await server.post(path, { metadata: { name: 'foreign' }, 日本: 1, 'a\u0001b\n': 1 });
  expect(foreign.status).toBe(201);
  const [first, second] = String(foreign.headers.warning).split(', ');
  expect(Buffer.from(first ?? '', 'latin1').toString()).toBe('299 - "unknown field \\"日本\\""');
  expect(second).toMatch(/^299 - "unknown field .*a.*b.*"$/);
  const fields = (length: number) =>
    Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`${index}`.padEnd(length, 'x'), 1]));
  const some = await server.post(path, { metadata: { name: 'some' }, ...fields(20) });
  expect(warnings(some.headers)).toHaveLength(90);
  const many = await server.post(path, { metadata: { name: 'many' }, ...fields(20_000) });
  expect(many.status).toBe(201);
  expect(warnings(many.headers).map((text) => text.length)).toEqual(Array.from({ length: 16 }, () => 256));
});
