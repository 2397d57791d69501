/** Lists that are too large for one write: in chunks, compressed, as protobuf, to readers who are slow or go away. */
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeProtobuf } from '../../../lib/api/protobuf/index.ts';
import { schemaFor } from '../../../lib/api/schemas.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

const count = 40;
const path = '/api/v1/namespaces/default/configmaps';
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  for (let index = 0; index < count; index++) {
    // No two parts are alike, so that a chunk that is lost or comes twice is seen.
    const text = Array.from({ length: 8000 }, (_, at) => ((at * 31 + index * 7) % 89) + 10).join('ß');
    const created = await server.post(path, { metadata: { name: `large-${index}` }, data: { text } });
    expect(created.status).toBe(201);
  }
});
afterAll(() => server.close());

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
  expect((await bytesOf({ accept: 'application/vnd.kubernetes.protobuf' })).body).toEqual(binary.body);

  const pretty = await server.get(`${path}?pretty=true`);
  expect(pretty.json).toEqual(list);
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
  for (let index = 0; index < 30; index++)
    await other.post(path, { metadata: { name: `n-${index}` }, data: { text } });
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
