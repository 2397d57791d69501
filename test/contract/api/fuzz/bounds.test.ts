/** Bodies as large, as deep and as repetitive as a client can make them: refused, or served, in bounded memory and time. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../support/api-server.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let server: TestServer;
const path = '/api/v1/namespaces/default/configmaps';
const megabyte = 1024 * 1024;
beforeAll(async () => {
  server = await startServer();
  await server.post(path, { metadata: { name: 'patched', annotations: { a: 'b' } } });
});
afterAll(() => server.close());

const merge = 'application/merge-patch+json';
const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
const names = Array.from({ length: 10_000 }, (_, index) => `n${index}`);
const aliases = ['a: &a [x, x, x, x, x, x, x, x, x]']
  .concat(
    'bcdefghij'.split('').map((name, index) => {
      const before = 'abcdefghi'[index];
      return `${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`;
    }),
  )
  .join('\n');

const bodies: [what: string, method: string, type: string, body: string, statuses: number[]][] = [
  [
    '3 MB of data',
    'POST',
    'application/json',
    JSON.stringify({ metadata: { name: 'x' }, data: { a: 'x'.repeat(3 * megabyte - 100) } }),
    [413, 422],
  ],
  ['more than 3 MB', 'POST', 'application/json', `"${'x'.repeat(3 * megabyte + 10)}"`, [413]],
  [
    '3 MB of small members',
    'POST',
    'application/json',
    JSON.stringify({
      metadata: { name: 'x' },
      data: Object.fromEntries(Array.from({ length: 150_000 }, (_, i) => [`key-${i}`, ''])),
    }),
    [413, 422],
  ],
  [
    'unknown fields without end',
    'POST',
    'application/json',
    JSON.stringify(Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`u${i}`, 1]))),
    [400, 422],
  ],
  ['deep lists', 'POST', 'application/json', nested('[', ']', megabyte), [400]],
  ['deep objects', 'POST', 'application/json', `${'{"a":'.repeat(400_000)}1${'}'.repeat(400_000)}`, [400]],
  [
    'deep unknown field',
    'POST',
    'application/json',
    `{"metadata":{"name":"x"},"u":${nested('[', ']', megabyte)}}`,
    [400],
  ],
  ['deep YAML flow', 'POST', 'application/yaml', nested('[', ']', 500_000), [400]],
  [
    'deep YAML block',
    'POST',
    'application/yaml',
    Array.from({ length: 1_500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    [400],
  ],
  ['YAML aliases of aliases', 'POST', 'application/yaml', aliases, [400]],
  ['many YAML documents', 'POST', 'application/yaml', '---\na: b\n'.repeat(200_000), [400, 422]],
  [
    '10,000 operations',
    'PATCH',
    'application/json-patch+json',
    JSON.stringify(names.map((name) => ({ op: 'add', path: `/metadata/annotations/${name}`, value: 'x' }))),
    [200, 422],
  ],
  [
    '10,001 operations',
    'PATCH',
    'application/json-patch+json',
    JSON.stringify(Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' }))),
    [413],
  ],
  [
    'copies that double',
    'PATCH',
    'application/json-patch+json',
    JSON.stringify([
      { op: 'add', path: '/data', value: { a: 'x'.repeat(1000) } },
      ...Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/c${i}` })),
    ]),
    [422],
  ],
  [
    '10,000 finalizers merged',
    'PATCH',
    'application/strategic-merge-patch+json',
    JSON.stringify({ metadata: { finalizers: names.map((name) => `example.com/${name}`) } }),
    [200, 422],
  ],
  [
    '10,000 owners merged',
    'PATCH',
    'application/strategic-merge-patch+json',
    JSON.stringify({
      metadata: {
        ownerReferences: names.map((name) => ({ apiVersion: 'v1', kind: 'Pod', name, uid: name })),
      },
    }),
    [200, 413, 422],
  ],
  [
    '10,000 deletions',
    'PATCH',
    'application/strategic-merge-patch+json',
    JSON.stringify({ metadata: { ownerReferences: names.map((uid) => ({ $patch: 'delete', uid })) } }),
    [200, 422],
  ],
  [
    '10,000 owners ordered',
    'PATCH',
    'application/strategic-merge-patch+json',
    JSON.stringify({ metadata: { '$setElementOrder/ownerReferences': names.map((uid) => ({ uid })) } }),
    [200, 400, 422],
  ],
  [
    '10,000 fields applied',
    'PATCH',
    'application/apply-patch+yaml',
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      data: Object.fromEntries(names.map((name) => [name, 'x'])),
    }),
    [200, 413],
  ],
  ['a deep patch', 'PATCH', merge, `${'{"a":'.repeat(400_000)}1${'}'.repeat(400_000)}`, [400]],
  [
    'protobuf that says it is longer than it is',
    'POST',
    'application/vnd.kubernetes.protobuf',
    `k8s\0\n\u{7f}`,
    [400],
  ],
];

test.each(bodies)('%s', async (_, method, type, body, statuses) => {
  const startedAt = performance.now();
  const target = method === 'PATCH' ? `${path}/patched?fieldManager=big` : path;
  const { status, text } = await server.call(method, target, { body, headers: { 'content-type': type } });
  expect(statuses, text.slice(0, 300)).toContain(status);
  // A generous bound: what would blow up takes minutes, or all memory.
  expect(performance.now() - startedAt).toBeLessThan(30_000);
  expect((await server.get(`${path}/x`)).status).toBe(404);
});

test('leave no memory behind', async () => {
  const send = async () => {
    for (const [, method, type, body] of bodies) {
      const target =
        method === 'PATCH' ? `${path}/patched?fieldManager=big&dryRun=All` : `${path}?dryRun=All`;
      await server.call(method, target, { body, headers: { 'content-type': type } });
    }
  };
  // Everything has been sent once by the tests above.
  collectGarbage();
  const before = process.memoryUsage();
  await send();
  collectGarbage();
  const after = process.memoryUsage();
  expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(64 * megabyte);
}, 400_000);
