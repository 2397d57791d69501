import { expect, test } from 'vitest';
import type { RequestContext } from '../../../../functions/apiserver/pipeline/context.ts';
import { flowControl } from '../../../../functions/apiserver/pipeline/flow-control.ts';
import { parseRequestInfo } from '../../../../functions/apiserver/pipeline/request-info.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';

const context = (method: string, path: string, ...groups: string[]): RequestContext => ({
  request: {
    method,
    path,
    query: new URLSearchParams(),
    headers: {},
    body: undefined,
    peer: { via: 'tls', address: '127.0.0.1' },
    signal: new AbortController().signal,
  },
  info: parseRequestInfo(method, path, new URLSearchParams()),
  receivedAtMs: 0,
  user: { username: 'u', groups },
  warnings: [],
  auditAnnotations: {},
});

test('refuses what is over the limit, and lets in again what has become free', async () => {
  const stage = flowControl({ maxReadOnly: 2, maxMutating: 1 });
  const held: ((response: ApiResponse) => void)[] = [];
  const hold = () => new Promise<ApiResponse>((resolve) => held.push(resolve));
  const ok = { status: 200, headers: {}, body: undefined };
  const reads = [0, 1].map(() => stage(context('GET', '/api/v1/pods'), hold));
  const refused = await stage(context('GET', '/api/v1/pods'), hold);
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
  const write = stage(context('POST', '/api/v1/namespaces/n/pods'), hold);
  expect((await stage(context('POST', '/api/v1/namespaces/n/pods'), hold)).status).toBe(429);
  const immediately = () => Promise.resolve(ok);
  expect((await stage(context('GET', '/api/v1/pods', 'system:masters'), immediately)).status).toBe(200);
  expect((await stage(context('GET', '/api/v1/namespaces/n/pods/p/log'), immediately)).status).toBe(200);
  for (const release of held) release(ok);
  await Promise.all([...reads, write]);
  expect((await stage(context('GET', '/api/v1/pods'), immediately)).status).toBe(200);
});
