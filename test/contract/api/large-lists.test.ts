/** Lists that are too large for one write: in chunks, compressed, as protobuf, to readers who are slow or go away. */
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeProtobuf } from '../../../lib/api/protobuf/index.ts';
import { schemaFor } from '../../../lib/api/schemas.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import { configMaps } from '../../../lib/client/resources.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

const count = 24;
const path = '/api/v1/namespaces/default/configmaps';
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  for (let index = 0; index < count; index++) {
    // No two parts are alike, so that a chunk that is lost or comes twice is seen.
    const text = Array.from({ length: 8000 }, (_, at) => ((at * 31 + index * 7) % 89) + 10).join('ß');
    await create(server, 'default', `large-${index}`, text);
  }
});
afterAll(() => server.close());

/** Without a connection, of which there would be hundreds. */
async function create({ handle }: TestServer, namespace: string, name: string, text = ''): Promise<void> {
  const client = createInProcessClient(handle, { username: 'test', groups: ['system:masters'] });
  await client.create(configMaps, { metadata: { namespace, name }, data: { text } });
}

/** The body's bytes as they came. */
function bytesOf(
  headers: Record<string, string>,
): Promise<{ body: Buffer; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const outgoing = server.open('GET', path, { headers });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => resolve({ body: Buffer.concat(chunks), headers: response.headers }));
    });
  });
}

test('are the same in every form', async () => {
  const plain = await bytesOf({});
  expect(plain.headers['content-length']).toBe(String(plain.body.byteLength));
  const list = JSON.parse(plain.body.toString()) as { items: { metadata: { name: string }; data: object }[] };
  expect(list.items).toHaveLength(count);

  const packed = await bytesOf({ 'accept-encoding': 'gzip' });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(JSON.parse(gunzipSync(packed.body).toString())).toEqual(list);

  const binary = await bytesOf({ accept: 'application/vnd.kubernetes.protobuf' });
  const decoded = decodeProtobuf(binary.body, schemaFor) as unknown as typeof list;
  expect(decoded.items.map(({ data }) => data)).toEqual(list.items.map(({ data }) => data));
  // The second answer is made of what was kept of the first.
  const again = await bytesOf({ accept: 'application/vnd.kubernetes.protobuf' });
  expect(again.body.equals(binary.body)).toBe(true);

  const pretty = await server.get(`${path}?pretty=true`);
  expect(pretty.json).toEqual(list);
});

test('of many rows are the same as a table made at once', async () => {
  const names = '/api/v1/namespaces/kube-public/configmaps';
  for (let row = 0; row < 520; row += 20) {
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => create(server, 'kube-public', `row-${row + index}`)),
    );
  }
  const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  const streamed = await server.get(names, { headers });
  expect(streamed.headers['content-length']).toBeUndefined();
  const atOnce = await server.get(`${names}?pretty=true`, { headers });
  // Ages go on between the two.
  const ageless = (text: string) => JSON.parse(text.replaceAll(/"\d+[smh](\d+s)?"/g, '"age"')) as unknown;
  expect(ageless(streamed.text)).toEqual(ageless(atOnce.text.replaceAll(/\n\s*/g, '')));
  expect(streamed.json.rows?.length).toBeGreaterThanOrEqual(520);
});

test('of a reader who went away in the middle do not disturb the others', async () => {
  await new Promise<void>((resolve, reject) => {
    const outgoing = server.open('GET', path);
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      response.once('data', () => {
        response.once('close', resolve);
        response.on('error', () => undefined);
        outgoing.destroy();
      });
    });
  });
  const answer = await server.get(path);
  expect(answer.json.items).toHaveLength(count);
});

test('are finished when the server closes in the middle', async () => {
  const other = await startServer({ dir: server.dir + '-closing' });
  const text = 'x'.repeat(900_000);
  for (let index = 0; index < 25; index++) await create(other, 'default', `n-${index}`, text);
  let closing: Promise<void> | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const outgoing = other.open('GET', path);
  outgoing.once('error', reject);
  outgoing.once('response', (response) => {
    let sizeBytes = 0;
    response.once('readable', () => {
      closing = other.close();
      response.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.byteLength;
      });
    });
    response.once('error', reject);
    response.once('end', () => resolve(sizeBytes - Number(response.headers['content-length'])));
  });
  expect(await promise).toBe(0);
  await closing;
});
