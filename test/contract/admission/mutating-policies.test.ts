/** What mutating admission policies make of writes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

const group = '/apis/admissionregistration.k8s.io/v1';
const policies = `${group}/mutatingadmissionpolicies`;
const bindings = `${group}/mutatingadmissionpolicybindings`;
const deployments = '/apis/apps/v1/namespaces/default/deployments';

let server: TestServer;
let count = 0;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const apply = (expression: string) => ({
  patchType: 'ApplyConfiguration',
  applyConfiguration: { expression },
});
const jsonPatch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

/** A policy for deployments with the label `suite`, and its binding; their name. */
async function bound(suite: string, mutations: object[], spec: object = {}): Promise<string> {
  const name = `policy-${String(++count).padStart(2, '0')}`;
  const made = await server.post(policies, {
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] },
        ],
        objectSelector: { matchLabels: { suite } },
      },
      reinvocationPolicy: 'Never',
      mutations,
      ...spec,
    },
  });
  expect(made.status, JSON.stringify(made.json)).toBe(201);
  expect((await server.post(bindings, { metadata: { name }, spec: { policyName: name } })).status).toBe(201);
  return name;
}

const deploy = (suite: string, more: object = {}) =>
  server.post(deployments, {
    metadata: { name: suite, labels: { suite } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: suite } },
      template: {
        metadata: { labels: { app: suite } },
        spec: { containers: [{ name: 'app', image: 'app:1' }] },
      },
      ...more,
    },
  });

test('an apply configuration is merged in as server-side apply would, list items by their key', async () => {
  await bound('merged', [
    apply(
      `Object{spec: Object.spec{replicas: object.spec.replicas + 2, template: Object.spec.template{spec: Object.spec.template.spec{
        initContainers: [Object.spec.template.spec.initContainers{name: "first", image: "first:1"}],
        containers: [Object.spec.template.spec.containers{name: "app", imagePullPolicy: "Never"}]}}}}`,
    ),
  ]);
  const { status, json } = await deploy('merged');
  expect(status, JSON.stringify(json)).toBe(201);
  expect(json).toMatchObject({
    spec: {
      replicas: 3,
      template: {
        spec: {
          // What policies add is defaulted as well.
          initContainers: [{ name: 'first', image: 'first:1', terminationMessagePolicy: 'File' }],
          containers: [{ name: 'app', image: 'app:1', imagePullPolicy: 'Never' }],
        },
      },
    },
  });
});

test('a JSON patch is applied; one whose test fails leaves the object as it is', async () => {
  await bound('patched', [
    jsonPatch(
      `[JSONPatch{op: "add", path: "/metadata/annotations", value: {"example.com/a": "1"}},
        JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("example.com/b"), value: "2"}]`,
    ),
    jsonPatch(
      `[JSONPatch{op: "test", path: "/spec/replicas", value: 7}, JSONPatch{op: "replace", path: "/spec/replicas", value: 9}]`,
    ),
  ]);
  expect((await deploy('patched')).json).toMatchObject({
    metadata: { annotations: { 'example.com/a': '1' }, labels: { 'example.com/b': '2', suite: 'patched' } },
    spec: { replicas: 1 },
  });
});

test('policies go one after the other; what changed is shown again to those that ask for it', async () => {
  const label = (name: string, value: string) =>
    apply(`Object{metadata: Object.metadata{labels: {"${name}": ${value}}}}`);
  const seen = 'string(object.metadata.labels.size())';
  await bound('ordered', [label('first', seen)], { reinvocationPolicy: 'IfNeeded' });
  await bound('ordered', [label('second', seen)]);
  // The first one sees one label, then three of them; the second one sees two and is not asked again.
  expect((await deploy('ordered')).json).toMatchObject({
    metadata: { labels: { first: '3', second: '2' } },
  });
});

test('validating policies see what mutating ones made', async () => {
  await bound('both', [apply('Object{spec: Object.spec{replicas: 12}}')]);
  await server.post(`${group}/validatingadmissionpolicies`, {
    metadata: { name: 'both' },
    spec: {
      matchConstraints: {
        objectSelector: { matchLabels: { suite: 'both' } },
        resourceRules: [
          { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['*'], resources: ['deployments'] },
        ],
      },
      validations: [
        { expression: 'object.spec.replicas < 10', messageExpression: 'string(object.spec.replicas)' },
      ],
    },
  });
  await server.post(`${group}/validatingadmissionpolicybindings`, {
    metadata: { name: 'both' },
    spec: { policyName: 'both', validationActions: ['Deny'] },
  });
  expect((await deploy('both')).json).toMatchObject({
    message: expect.stringMatching(/denied request: 12$/) as string,
  });
});

test('match conditions and variables', async () => {
  await bound('conditions', [apply('Object{spec: Object.spec{replicas: variables.wanted}}')], {
    matchConditions: [{ name: 'small', expression: 'object.spec.replicas < 3' }],
    variables: [{ name: 'wanted', expression: 'object.spec.replicas * 2' }],
  });
  expect((await deploy('conditions', { replicas: 2 })).json).toMatchObject({ spec: { replicas: 4 } });
  await server.delete(`${deployments}/conditions`);
  expect((await deploy('conditions', { replicas: 5 })).json).toMatchObject({ spec: { replicas: 5 } });
});

test('what cannot be applied denies the request, or is left out where failures are ignored', async () => {
  const broken = [
    apply('Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {"a": "b"}}}}'),
  ];
  const name = await bound('broken', broken);
  const { status, json } = await deploy('broken');
  expect(status).toBe(403);
  expect(json).toMatchObject({
    message: `policy '${name}' with binding '${name}' denied request: error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector`,
  });
  await bound('mismatch', [apply('Object{spec: Object.spec{template: Object.spec.wrong{}}}')]);
  expect((await deploy('mismatch')).json).toMatchObject({
    message: expect.stringContaining(
      'type mismatch: unexpected type name "Object.spec.wrong", expected "Object.spec.template"',
    ) as string,
  });
  await bound('ignored', broken, { failurePolicy: 'Ignore' });
  expect((await deploy('ignored')).status).toBe(201);
});
