/** What many clients do at once, and in an order that nobody planned. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtinDefinitions } from '../../../functions/apiserver/registry/builtin/index.ts';
import type { ManagedFieldsEntry } from '../../../lib/api/gen/types.ts';
import { decodeProtobuf, encodeProtobuf, hasProtobuf } from '../../../lib/api/protobuf/index.ts';
import { schemaFor } from '../../../lib/api/schemas.ts';
import { apiVersionOf } from '../../../lib/client/resources.ts';
import { type Answer, startServer, type TestServer } from '../../support/api-server.ts';
import { seeds } from './fuzz/seeds.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const merge = 'application/merge-patch+json';
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status).sort((a, b) => a - b);
const repeat = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

describe('many who apply one object at once', () => {
  const applied = (name: string, data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data,
  });
  const apply = (name: string, manager: string, data: Record<string, string>, force = false) =>
    server.patch(
      `${maps}/${name}?fieldManager=${manager}&force=${force}`,
      'application/apply-patch+yaml',
      applied(name, data),
    );
  const owners = async (name: string) => {
    const { metadata } = (await server.get(`${maps}/${name}`)).json;
    const fields = ({ manager, fieldsV1 }: ManagedFieldsEntry) =>
      Object.keys((fieldsV1 as { 'f:data'?: object } | undefined)?.['f:data'] ?? {})
        .filter((key) => key !== '.')
        .map((key) => `${manager} ${key}`);
    return (metadata?.managedFields ?? []).flatMap(fields).sort();
  };

  test('each owns what is his own, and nobody loses anything', async () => {
    const answers = await Promise.all(repeat(12, (i) => apply('own', `m${i}`, { [`k${i}`]: `v${i}` })));
    expect(statuses(answers)).toEqual([...repeat(11, () => 200), 201]);
    expect((await server.get(`${maps}/own`)).json.data).toEqual(
      Object.fromEntries(repeat(12, (i) => [`k${i}`, `v${i}`])),
    );
    expect(await owners('own')).toEqual(repeat(12, (i) => `m${i} f:k${i}`).sort());
  });

  test('of those who want another value one has it, and the others are told who', async () => {
    const answers = await Promise.all(repeat(8, (i) => apply('contended', `m${i}`, { k: `v${i}` })));
    expect(statuses(answers)).toEqual([201, ...repeat(7, () => 409)]);
    const winner = answers.findIndex(({ status }) => status === 201);
    const loser = answers.find(({ status }) => status === 409);
    expect(loser?.json.message).toBe(`Apply failed with 1 conflict: conflict with "m${winner}": .data.k`);
    expect((await server.get(`${maps}/contended`)).json.data).toEqual({ k: `v${winner}` });
    const forced = await Promise.all(repeat(6, (i) => apply('contended', `f${i}`, { k: `w${i}` }, true)));
    expect(statuses(forced)).toEqual(repeat(6, () => 200));
    const { data } = (await server.get(`${maps}/contended`)).json;
    // Whoever wrote last took it from the others.
    expect(await owners('contended')).toEqual([`f${data?.k?.slice(1)} f:k`]);
  });
});

test('a paged list is the snapshot of its first page, whatever happens meanwhile', async () => {
  const path = '/api/v1/namespaces/default/secrets';
  const names = repeat(40, (i) => `s${String(i).padStart(2, '0')}`);
  await Promise.all(names.map((name) => server.post(path, { metadata: { name, labels: { v: 'before' } } })));
  const seen: string[] = [];
  let token = '';
  for (let page = 0; ; page++) {
    const { status, json } = await server.get(`${path}?limit=7&continue=${encodeURIComponent(token)}`);
    expect(status).toBe(200);
    for (const { metadata } of json.items ?? []) seen.push(`${metadata?.name} ${metadata?.labels?.v}`);
    token = json.metadata?.continue ?? '';
    if (token === '') break;
    await server.delete(`${path}/${names[page * 7]}`);
    await server.delete(`${path}/${names[39 - page]}`);
    await server.patch(`${path}/${names[20]}`, merge, {
      metadata: { labels: { v: `after ${page}`.slice(0, 5) } },
    });
    await server.post(path, { metadata: { name: `s${page}x` } });
  }
  expect(seen).toEqual(names.map((name) => `${name} before`));
});

test('a token that was tampered with is refused, or reads from another key, and never more', async () => {
  const { metadata } = (await server.get('/apis/rbac.authorization.k8s.io/v1/clusterroles?limit=3')).json;
  const token = metadata?.continue ?? '';
  const read = (text: string) =>
    server.get(
      `/apis/rbac.authorization.k8s.io/v1/clusterroles?limit=3&continue=${encodeURIComponent(text)}`,
    );
  const changed = repeat(token.length, (i) => {
    const other = token[i] === 'A' ? 'B' : 'A';
    return `${token.slice(0, i)}${other}${token.slice(i + 1)}`;
  });
  const forged = [
    ...changed,
    token.slice(1),
    `${token}${token}`,
    Buffer.from('{"v":"meta.k8s.io/v1","rv":-1,"start":"../../secrets"}').toString('base64url'),
    Buffer.from('{"v":"meta.k8s.io/v1","rv":99999999,"start":"a\\u0000"}').toString('base64url'),
    Buffer.from('[]').toString('base64url'),
  ];
  for (const text of forged) {
    const { status, json } = await read(text);
    expect([200, 400, 410, 504], `${text}: ${json.message}`).toContain(status);
    for (const item of json.items ?? []) expect(item.metadata?.namespace).toBeUndefined();
  }
}, 60_000);

test('a watch by selector that breaks off and goes on tells the same as a list', async () => {
  const own = 'suite=watched,tier in (a,b)';
  const query = `labelSelector=${encodeURIComponent(own)}`;
  const begin = (await server.get(`${maps}?${query}`)).json.metadata?.resourceVersion ?? '';
  const name = (i: number) => `w${i}`;
  const write = async (i: number) => {
    const tier = ['a', 'b', 'c'][i % 3];
    const created = await server.post(maps, {
      metadata: { name: name(i), labels: { suite: 'watched', tier } },
    });
    expect(created.status).toBe(201);
    for (const next of ['c', 'a', 'a', 'b'])
      await server.patch(`${maps}/${name(i)}`, merge, {
        metadata: { labels: { tier: next }, annotations: { at: `${next}${Math.random()}` } },
      });
    if (i % 4 === 0) await server.delete(`${maps}/${name(i)}`);
  };
  let isDone = false;
  const writing = Promise.all(repeat(12, write)).finally(() => (isDone = true));
  const known = new Map<string, string>();
  let at = begin;
  /** One watch that is cut off after some events, or when its short time is over. */
  const watchSome = async (most: number) => {
    const watch = server.open(
      'GET',
      `${maps}?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=${at}&${query}`,
    );
    let rest = '';
    let count = 0;
    await new Promise<void>((resolve, reject) => {
      watch.once('error', reject);
      watch.once('response', (response) => {
        response.once('error', () => resolve());
        response.once('close', () => resolve());
        response.on('data', (chunk: Buffer) => {
          const lines = (rest + chunk.toString()).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            if (count >= most) return;
            const { type, object } = JSON.parse(line) as {
              type: string;
              object: { metadata: { name: string; resourceVersion: string } };
            };
            const { name: of, resourceVersion } = object.metadata;
            expect(Number(resourceVersion)).toBeGreaterThanOrEqual(Number(at));
            if (type === 'BOOKMARK') at = resourceVersion;
            else {
              expect(['ADDED', 'MODIFIED', 'DELETED']).toContain(type);
              // Who enters what is selected is added, who leaves it is deleted, and nobody is either twice.
              expect(known.has(of), `${type} ${of}`).toBe(type !== 'ADDED');
              if (type === 'DELETED') known.delete(of);
              else known.set(of, resourceVersion);
              at = resourceVersion;
            }
            count++;
          }
          if (count >= most) response.destroy();
        });
      });
    });
  };
  for (let round = 0; !isDone && round < 200; round++) await watchSome(1 + (round % 5));
  await writing;
  const { json } = await server.get(`${maps}?${query}`);
  const listed = new Map(
    json.items?.map(({ metadata }) => [metadata?.name ?? '', metadata?.resourceVersion ?? '']),
  );
  const deadline = Date.now() + 30_000;
  const isSame = () => known.size === listed.size && [...listed].every(([key, at]) => known.get(key) === at);
  while (!isSame() && Date.now() < deadline) await watchSome(1000);
  expect(Object.fromEntries(known)).toEqual(Object.fromEntries(listed));
}, 90_000);

const creatable = builtinDefinitions().filter(
  ({ verbs }) => verbs.includes('create') && verbs.includes('get'),
);
const pathOf = ({ group, version, namespaced, plural }: (typeof creatable)[number]) =>
  `${group ? `/apis/${group}` : '/api'}/${version}/${namespaced ? 'namespaces/default/' : ''}${plural}`;
const bodyOf = (definition: (typeof creatable)[number], name: string) => ({
  kind: definition.kind,
  apiVersion: apiVersionOf(definition),
  metadata: { name },
  ...seeds[`${definition.group}/${definition.kind}`],
});
/** Kinds whose objects are called by a rule of their own. */
const names: Readonly<Record<string, string>> = {
  CSINode: 'a-node',
  IPAddress: '10.200.0.9',
  ClusterTrustBundle: 'seq',
};
const nameOf = ({ kind }: { kind: string }, fallback: string) => names[kind] ?? fallback;

test.each(creatable)('a dry run leaves nothing of $kind in $group/$version', async (definition) => {
  const path = pathOf(definition);
  const name = nameOf(definition, 'dry');
  const heads = async () => {
    // The server itself keeps the conditions of flow schemas.
    const all = (await server.store.resources()).filter((type) => !type.startsWith('flowcontrol.'));
    return Object.fromEntries(
      await Promise.all(all.map(async (type) => [type, await server.store.head(type)] as const)),
    );
  };
  const body = bodyOf(definition, name);
  const before = await heads();
  const dry = await server.post(`${path}?dryRun=All`, body);
  expect(dry.status, dry.text).toBeLessThan(500);
  expect((await server.get(`${path}/${name}`)).status).toBe(404);
  expect(await heads()).toEqual(before);
  if (dry.status !== 201) return;
  const made = await server.post(path, body);
  expect(made.status, made.text).toBe(201);
  const own = `${path}/${name}`;
  const after = await heads();
  for (const answer of [
    await server.patch(`${own}?dryRun=All`, merge, { metadata: { labels: { dry: 'run' } } }),
    await server.patch(`${own}?dryRun=All&fieldManager=d`, 'application/apply-patch+yaml', {
      kind: definition.kind,
      apiVersion: apiVersionOf(definition),
      metadata: { name, annotations: { dry: 'run' } },
    }),
    await server.put(`${own}?dryRun=All`, {
      ...made.json,
      metadata: { ...made.json.metadata, labels: { dry: 'run' } },
    }),
    await server.delete(`${own}?dryRun=All`),
    await server.delete(`${path}?dryRun=All`),
  ]) {
    expect(answer.status, answer.text).toBeLessThan(500);
  }
  expect(await heads()).toEqual(after);
  await server.delete(`${own}?gracePeriodSeconds=0`);
});

const inProtobuf = creatable.filter(({ group, version, kind }) => {
  const schema = schemaFor(group, version, kind);
  return schema !== undefined && hasProtobuf(schema);
});

/** Without what is another one for every object, and what managers and addresses say of it. */
const bare = ({ metadata, ...rest }: Answer['json']): unknown =>
  JSON.parse(
    JSON.stringify({ ...rest, metadata: { ...metadata, managedFields: [], creationTimestamp: '' } })
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'uid')
      .replaceAll(/kube-api-access-\w{5}/g, 'kube-api-access'),
  );

test.each(inProtobuf)('$kind in $group/$version is the same in protobuf, both ways', async (definition) => {
  const { group, version, kind } = definition;
  const schema = schemaFor(group, version, kind);
  if (!schema) throw new Error('no schema');
  const path = pathOf(definition);
  const type = 'application/vnd.kubernetes.protobuf';
  const own = { headers: { 'content-type': type, accept: 'application/json' } };
  const [plain, binary] = ['?dryRun=All', '?dryRun=All'].map((query) => `${path}${query}`) as [
    string,
    string,
  ];
  const body = bodyOf(definition, nameOf(definition, 'proto'));
  const json = await server.post(plain, body);
  const proto = await server.post(binary, encodeProtobuf(body, schema), own);
  expect(proto.status, proto.text).toBe(json.status);
  if (json.status !== 201) expect(proto.json.reason).toBe(json.json.reason);
  else if (kind !== 'Service') expect(bare(proto.json)).toEqual(bare(json.json));
  // Cut off and mangled bodies are refused.
  const bytes = encodeProtobuf(body, schema);
  for (const broken of [
    bytes.subarray(0, bytes.length - 1),
    bytes.subarray(0, 9),
    Buffer.concat([bytes, Buffer.from([0xff])]),
    bytes.map((byte, i) => (i > 8 ? byte ^ 0x55 : byte)),
  ]) {
    const { status, text } = await server.post(plain, Buffer.from(broken), own);
    expect(status, text).toBeGreaterThanOrEqual(400);
    expect(status, text).toBeLessThan(500);
  }
  expect(decodeProtobuf(bytes, schemaFor)).toMatchObject({ kind });
});
