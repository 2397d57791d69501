/** The largest bodies that API Gateway and Lambda let through are refused as the API server refuses them anywhere. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerBuffered } from '../../../functions/apiserver/hosts/lambda.ts';
import type { ApiHandler } from '../../../lib/http/types.ts';
import { systemClock } from '../../../lib/clock.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const asAdmin: ApiHandler = (request) =>
  server.handle({
    ...request,
    peer: { via: 'process', user: { username: 'admin', groups: ['system:masters'] } },
  });

const megabyte = 1024 * 1024;
const path = '/api/v1/namespaces/default/configmaps';

test.each([
  ['more than the API server takes', 3 * megabyte + 1, false],
  ['Lambda’s 6 MB', 6 * megabyte, false],
  ['Lambda’s 6 MB in base64', 4.5 * megabyte, true],
  ['API Gateway’s 10 MB', 10 * megabyte, false],
])('%s: 413 with a Status, and nothing is stored', async (_what, size, isBase64Encoded) => {
  const object = { metadata: { name: 'large' }, data: { a: 'x'.repeat(size) } };
  const text = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', ...object });
  const event = {
    httpMethod: 'POST',
    path,
    multiValueHeaders: { 'Content-Type': ['application/json'] },
    body: isBase64Encoded ? Buffer.from(text).toString('base64') : text,
    isBase64Encoded,
  };
  const never = new AbortController().signal;
  const result = await answerBuffered(asAdmin, event, { clock: systemClock }, never);
  expect(result.statusCode).toBe(413);
  expect(JSON.parse(result.body)).toMatchObject({
    kind: 'Status',
    status: 'Failure',
    reason: 'RequestEntityTooLarge',
    code: 413,
    message: 'Request entity too large: limit is 3145728',
  });
  const { status } = await server.get(`${path}/large`);
  expect(status).toBe(404);
});
