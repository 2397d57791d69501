/** Strict field validation (KEP-2885) of patches, in the words of kube-apiserver. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
const path = '/apis/apps/v1/namespaces/default/deployments';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const json = 'application/json-patch+json';
const apply = 'application/apply-patch+yaml';
beforeAll(async () => {
  server = await startServer();
  await server.post(path, {
    metadata: { name: 'd' },
    spec: {
      selector: { matchLabels: { app: 'a' } },
      template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  });
});
afterAll(() => server.close());

const patch = (type: string, body: string, validation: string) =>
  server.patch(`${path}/d?fieldManager=me&fieldValidation=${validation}`, type, body);

const cases: [type: string, body: string, problems: string[]][] = [
  [
    merge,
    '{"spec":{"paused":true,"paused":false,"foo":1}}',
    ['duplicate field "spec.paused"', 'unknown field "spec.foo"'],
  ],
  [
    strategic,
    '{"spec":{"template":{"spec":{"containers":[{"name":"c","nope":1,"image":"i","image":"i"}]}}}}',
    [
      'duplicate field "spec.template.spec.containers[0].image"',
      'unknown field "spec.template.spec.containers[0].nope"',
    ],
  ],
  [
    json,
    '[{"op":"add","path":"/spec/foo","value":1,"extra":2,"op":"add"}]',
    [
      'json patch duplicate field "[0].op"',
      'json patch unknown field "[0].extra"',
      'unknown field "spec.foo"',
    ],
  ],
];

test.each(cases)('%s: problems are refused, told of or ignored', async (type, body, problems) => {
  const strict = await patch(type, body, 'Strict');
  expect([strict.status, strict.json.reason]).toEqual([422, 'Invalid']);
  expect(strict.json.message).toContain('"" is invalid: patch: Invalid value: ');
  expect(strict.json.message).toContain(`strict decoding error: ${problems.join(', ')}`);
  const warned = await patch(type, body, 'Warn');
  expect(warned.status, warned.text).toBe(200);
  for (const problem of problems) {
    expect(String(warned.headers.warning)).toContain(`299 - "${problem.replaceAll('"', '\\"')}"`);
  }
  const ignored = await patch(type, body, 'Ignore');
  expect([ignored.status, ignored.headers.warning]).toEqual([200, undefined]);
});

test('an apply with a key twice is refused or told of', async () => {
  const body = 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\n  labels:\n    a: x\n    a: z\n';
  const strict = await patch(apply, body, 'Strict');
  const message =
    'error converting YAML to JSON: yaml: unmarshal errors:\n  line 7: key "a" already set in map';
  expect([strict.status, strict.json.message]).toEqual([400, `error strict decoding patch: ${message}`]);
  const warned = await patch(apply, body, 'Warn');
  expect(warned.status, warned.text).toBe(200);
  expect(String(warned.headers.warning)).toContain('already set in map');
  const asJson = await patch(
    apply,
    '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","name":"d"}}',
    'Strict',
  );
  expect([asJson.status, asJson.json.message]).toEqual([400, expect.stringContaining('already set in map')]);
  const unknown = await patch(apply, 'apiVersion: apps/v1\nkind: Deployment\nspec: { foo: 1 }\n', 'Strict');
  expect([unknown.status, unknown.json.message]).toEqual([
    400,
    expect.stringContaining('.spec.foo: field not declared in schema'),
  ]);
});

test('a value of the wrong type is refused whatever the validation', async () => {
  const { status, json: answer } = await patch(merge, '{"spec":{"replicas":"many"}}', 'Ignore');
  expect([status, answer.reason]).toEqual([422, 'Invalid']);
  expect(answer.message).toContain('json: cannot unmarshal string into Go struct field');
  const strategic = 'application/strategic-merge-patch+json';
  const words: [string, string][] = [
    ['{"metadata":{"labels":"all"}}', 'cannot restore map from string'],
    ['{"spec":{"template":7}}', 'cannot restore struct from: int64'],
    ['{"spec":{"minReadySeconds":"many"}}', 'unrecognized type: int32'],
    ['{"spec":{"template":{"spec":{"hostname":7}}}}', 'cannot convert int64 to string'],
  ];
  for (const [body, message] of words) {
    const refused = await patch(strategic, body, 'Ignore');
    expect([refused.status, refused.json.message]).toEqual([
      422,
      expect.stringMatching(new RegExp(`: ${message}$`)),
    ]);
  }
  const level = await patch(merge, '{}', 'Sometimes');
  expect([level.status, level.json.message]).toEqual([
    422,
    expect.stringContaining(
      'fieldValidation: Unsupported value: "Sometimes": supported values: "", "Ignore", "Strict", "Warn"',
    ),
  ]);
});

test('what is nested deeper than any kind is refused', async () => {
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
  for (const type of [merge, strategic, apply]) {
    const { status, json: answer } = await patch(type, deep, 'Strict');
    expect([type, status, answer.message]).toEqual([
      type,
      400,
      expect.stringContaining('exceeded max depth'),
    ]);
  }
});
