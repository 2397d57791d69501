import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Json, startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
const path = '/api/v1/namespaces/default/configmaps';

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

async function watch(query: string): Promise<Json[]> {
  const { json } = await server.get(path);
  const from = `watch=true&timeoutSeconds=1&resourceVersion=${json.metadata?.resourceVersion}`;
  const { text } = await server.get(`${path}?${from}&${query}`);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Json);
}

test('a quiet watch ends with a bookmark when its time is over, so that its client goes on from there', async () => {
  const events = await watch('allowWatchBookmarks=true');
  expect(events).toMatchObject([{ type: 'BOOKMARK', object: { kind: 'ConfigMap', apiVersion: 'v1' } }]);
});

test('and with nothing for a client that knows no bookmarks', async () => {
  expect(await watch('')).toEqual([]);
});
