/**
 * While a request's head is read an API server does nothing else, and whoever reaches it may send one: a head as long
 * as they may be takes milliseconds. What takes time with its length's square takes minutes, and the test's time is up.
 */
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const filled = (part: string, bytes = 1_000_000) => part.repeat(Math.floor(bytes / part.length));

/** The first line of the answer to somebody without credentials. */
async function statusOf(path: string, headers: Record<string, string> = {}): Promise<string> {
  const socket = connect({ port: server.port, host: 'localhost', ca: server.ca.certificate });
  const lines = Object.entries({ host: 'localhost', connection: 'close', ...headers });
  socket.write(
    `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  );
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk as string;
  return text.slice(0, text.indexOf('\r\n'));
}

const unauthorized = 'HTTP/1.1 401 Unauthorized';

test.each([
  ['slashes at the start', `${filled('/')}api`, unauthorized],
  ['slashes at the end', `/api${filled('/')}`, unauthorized],
  ['slashes inside', `/api${filled('/')}v1`, unauthorized],
  ['slashes after the API', `/openapi/v2${filled('/')}x`, unauthorized],
  ['segments', `/api${filled('/a')}`, unauthorized],
  ['escapes', `/api/${filled('%61')}`, unauthorized],
  ['escapes that are none', `/api/${filled('%')}`, unauthorized],
  ['parameters', `/api?${filled('a=b&')}`, unauthorized],
  ['empty parameters', `/api?${filled('&')}`, unauthorized],
  ['field selectors', `/api/v1/pods?fieldSelector=${filled('a=b,')}`, unauthorized],
  [
    'label selectors',
    `/api/v1/pods?labelSelector=${filled('a in (b,c),').replaceAll(' ', '+')}`,
    unauthorized,
  ],
])('a path with many %s', async (_, path, status) => {
  expect(await statusOf(path)).toBe(status);
});

test.each([
  ['accept', filled('application/json;as=Table;v=v1;g=meta.k8s.io,')],
  ['accept', filled('a;')],
  ['accept', `application/json${filled(' ')}x`],
  ['authorization', `Bearer${filled(' ')}x y`],
  ['authorization', `Bearer ${filled('a.')}`],
  ['content-type', `application/json;${filled(' a')}`],
  ['user-agent', filled('kubectl/v1 ')],
  ['accept-encoding', filled('gzip;q=0,')],
  ['x-forwarded-for', filled('1.1.1.1, ')],
  ['audit-id', filled('a')],
])('a long %s', async (name, value) => {
  expect(await statusOf('/api/v1/pods', { [name]: value })).toBe(unauthorized);
});
