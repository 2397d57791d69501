/** OpenAPI as the real kubectl reads it: version 2 as protobuf, version 3 as JSON. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtinDefinitions } from '../../../functions/apiserver/registry/builtin/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const protobuf = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

test('version 2 is there as JSON and as protobuf, each with an ETag of its own', async () => {
  const json = await server.get('/openapi/v2', { headers: { accept: 'application/json' } });
  const binary = await server.get('/openapi/v2', { headers: { accept: `${protobuf},application/json` } });
  expect(json.headers['content-type']).toBe('application/json');
  expect(binary.headers['content-type']).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
  expect(json.headers.etag).toMatch(/^"[0-9A-F]{128}"$/);
  expect(binary.headers.etag).not.toBe(json.headers.etag);
  const again = await server.get('/openapi/v2', {
    headers: { accept: protobuf, 'if-none-match': String(binary.headers.etag) },
  });
  expect([again.status, again.text]).toEqual([304, '']);
  const neither = await server.get('/openapi/v2', { headers: { accept: 'text/html' } });
  expect(neither.status).toBe(406);
  const packed = await server.get('/openapi/v2', {
    headers: { accept: protobuf, 'accept-encoding': 'gzip' },
  });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(Number(packed.headers['content-length'])).toBeLessThan(Number(binary.headers['content-length']) / 4);
});

test('kubectl apply of a kind that is not served says so', async () => {
  const body = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' } };
  await expect(server.kubectl('apply -f -', { input: JSON.stringify(body) })).rejects.toThrow(
    'no matches for kind "Widget" in version "example.com/v1"',
  );
});

const kinds = builtinDefinitions().filter(({ verbs }) => verbs.includes('get'));

test('kubectl explain knows every kind, recursively and from both versions', async () => {
  for (const { plural, group, version, kind } of kinds) {
    const of = `${plural} --recursive --api-version=${group ? `${group}/` : ''}${version}`;
    for (const output of ['plaintext', 'plaintext-openapiv2']) {
      const text = await server.kubectl(`explain ${of} --output ${output}`);
      expect(text.replaceAll(/\s+/g, ' '), of).toContain(`KIND: ${kind}`);
      expect(text, of).toMatch(/managedFields\s+<\[\](ManagedFieldsEntry|Object)>/);
    }
  }
}, 300_000);

test('kubectl explain shows a field with its type, its text and what it may be', async () => {
  for (const output of ['plaintext', 'plaintext-openapiv2']) {
    const text = await server.kubectl(`explain deployments.spec.template.spec.containers --output ${output}`);
    expect(text).toMatch(/KIND:\s+Deployment/);
    expect(text).toMatch(/terminationMessagePolicy\s+<string>/);
    expect(text).toMatch(/name\s+<string> -required-/);
    expect(text).toContain('Cannot be updated');
  }
});
