/** Secrets in the store's files: never plain, and moved to another key by writing them again. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseEncryptionConfig } from '../../../functions/apiserver/encryption/config.ts';
import { createEncryption } from '../../../functions/apiserver/encryption/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { backup, restore } from '../../../lib/store/backup/index.ts';
import { openEmbeddedSnapshot, openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

let dir = '';
let server: TestServer;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kumulus-encryption-'));
});
afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

const secretText = 'correct-horse-battery-staple';
const secretData = Buffer.from(secretText).toString('base64');
const keyOf = (n: number) => Buffer.alloc(32, n).toString('base64');
const path = '/api/v1/namespaces/default/secrets';
const secret = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  data: { password: secretData },
});

/** A server on the directory's store, whose Secrets are encrypted by these providers. */
async function start(providers: string): Promise<TestServer> {
  const text = `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers: ${providers}\n`;
  const encryption = await createEncryption(parseEncryptionConfig(text, 'encryption.yaml'), {
    clock: systemClock,
    log: silentLogger,
  });
  return await startServer({ dir, encryption, log: silentLogger });
}

function inFiles(text: string): boolean {
  const store = join(dir, 'store');
  return readdirSync(store).some((name) => readFileSync(join(store, name)).includes(text));
}

const aesgcm = (name: string, n: number) => `{aesgcm: {keys: [{name: ${name}, secret: ${keyOf(n)}}]}}`;
const secretbox = (name: string, n: number) => `{secretbox: {keys: [{name: ${name}, secret: ${keyOf(n)}}]}}`;

test.each([
  ['aesgcm', aesgcm('k', 1)],
  ['secretbox', secretbox('k', 1)],
])('%s: no plain Secret is in the files, and every way of reading shows it', async (_name, provider) => {
  server = await start(`[${provider}]`);
  const before = await server.post(path, secret('before'));
  await server.post(path, secret('a'));
  const changed = { ...secret('a'), stringData: { more: `${secretText}-2` } };
  expect((await server.put(`${path}/a`, changed)).status).toBe(200);
  await server.post(path, secret('gone'));
  await server.delete(`${path}/gone`);
  expect((await server.get(`${path}/a`)).json.data).toEqual({
    password: secretData,
    more: Buffer.from(`${secretText}-2`).toString('base64'),
  });
  const revision = before.json.metadata?.resourceVersion;
  const list = await server.get(`${path}?resourceVersion=${revision}&resourceVersionMatch=Exact`);
  expect(list.json.items?.map(({ data }) => data)).toEqual([{ password: secretData }]);
  const watch = await server.get(`${path}?watch=1&resourceVersion=${revision}&timeoutSeconds=1`);
  const events = watch.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; object: { data: object } });
  expect(events.map(({ type, object }) => [type, Object.keys(object.data).length])).toEqual([
    ['ADDED', 1],
    ['MODIFIED', 2],
    ['ADDED', 1],
    ['DELETED', 1],
  ]);
  expect(inFiles(secretData)).toBe(false);
  expect(inFiles(secretText)).toBe(false);
  expect(inFiles('k8s:enc:')).toBe(true);
  // The test can see what is plain.
  await server.post('/api/v1/namespaces/default/configmaps', {
    metadata: { name: 'plain' },
    data: { text: secretText },
  });
  expect(inFiles(secretText)).toBe(true);
});

test('another key first: old Secrets are read, written again they are its, and then the old key may go', async () => {
  server = await start('[{identity: {}}]');
  await server.post(path, secret('plain'));
  expect(inFiles(secretData)).toBe(true);
  await server.stop();

  server = await start(`[${aesgcm('one', 1)}, {identity: {}}]`);
  await server.post(path, secret('first'));
  const replaceAll = async () => {
    const all = await server.get('/api/v1/secrets');
    for (const item of all.json.items ?? []) {
      const { name, namespace } = item.metadata ?? {};
      const body = { ...item, apiVersion: 'v1', kind: 'Secret' };
      const answer = await server.put(`/api/v1/namespaces/${namespace}/secrets/${name}`, body);
      expect(answer.status).toBe(200);
    }
  };
  const stored = async () => {
    const snapshot = openEmbeddedSnapshot(join(dir, 'store'));
    const { entries } = await snapshot.list('secrets', '');
    snapshot.close();
    return entries.map(({ body }) => /^k8s:enc:\w+:v1:\w+/.exec(Buffer.from(body).toString())?.[0]);
  };
  expect(new Set(await stored())).toEqual(new Set([undefined, 'k8s:enc:aesgcm:v1:one']));
  await replaceAll();
  expect(new Set(await stored())).toEqual(new Set(['k8s:enc:aesgcm:v1:one']));
  const revision = (await server.get(`${path}/plain`)).json.metadata?.resourceVersion;
  await replaceAll();
  // What is as it should be is not written.
  expect((await server.get(`${path}/plain`)).json.metadata?.resourceVersion).toBe(revision);
  await server.stop();

  server = await start(`[${secretbox('two', 2)}, ${aesgcm('one', 1)}]`);
  await replaceAll();
  expect(new Set(await stored())).toEqual(new Set(['k8s:enc:secretbox:v1:two']));
  await server.stop();
  server = await start(`[${secretbox('two', 2)}]`);
  expect((await server.get(`${path}/first`)).json.data).toEqual({ password: secretData });
});

test('without its key a Secret is an error that names it, and nothing else suffers', async () => {
  server = await start(`[${aesgcm('one', 1)}]`);
  await server.post(path, secret('a'));
  await server.stop();
  server = await start(`[${aesgcm('two', 2)}, {identity: {}}]`);
  const answer = await server.get(`${path}/a`);
  expect([answer.status, answer.json.message]).toEqual([
    500,
    'secrets "default/a" cannot be decrypted: no provider of the encryption configuration has its key (k8s:enc:aesgcm:v1:one)',
  ]);
  expect((await server.get('/api/v1/namespaces/default/configmaps')).status).toBe(200);
});

test('a backup holds them encrypted, and restored they are read with the same key', async () => {
  server = await start(`[${aesgcm('one', 1)}]`);
  await server.post(path, secret('a'));
  const snapshot = openEmbeddedSnapshot(join(dir, 'store'));
  const file = new PassThrough();
  const content = buffer(file);
  await backup(snapshot, file, systemClock);
  snapshot.close();
  const plain = gunzipSync(await content).toString();
  const bodies = plain.split('\n').flatMap((line) => /"body":"([^"]+)"/.exec(line)?.[1] ?? []);
  const texts = bodies.map((body) => Buffer.from(body, 'base64').toString('latin1'));
  expect(texts.some((text) => text.includes(secretData) || text.includes(secretText))).toBe(false);
  await server.close();

  const target = await openEmbeddedStore({ dir: join(dir, 'store'), clock: systemClock, log: silentLogger });
  await restore(target, Readable.from(await content));
  await target.close();
  server = await start(`[${aesgcm('one', 1)}]`);
  expect((await server.get(`${path}/a`)).json.data).toEqual({ password: secretData });
});
