import { describe, expect, it } from 'vitest';
import { createKubeClient } from '../../../lib/client/kube-client.ts';
import { deployments, nodes, pods } from '../../../lib/client/resources.ts';
import type { Transport, TransportRequest } from '../../../lib/client/transport.ts';
import type { ApiResponse } from '../../../lib/http/types.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';

const json = (status: number, body: unknown, headers: Record<string, string> = {}): ApiResponse => ({
  status,
  headers,
  body: Buffer.from(JSON.stringify(body)),
});

/** Answers with the given responses in turn, the last one again and again. */
function answering(...responses: ApiResponse[]) {
  const requests: TransportRequest[] = [];
  const transport: Transport = (request) => {
    requests.push(request);
    return Promise.resolve((responses.length > 1 ? responses.shift() : responses[0]) as ApiResponse);
  };
  return { transport, requests };
}

const sent = (request: TransportRequest | undefined) =>
  `${request?.method} ${request?.path}${request?.query.size ? `?${request.query.toString()}` : ''}`;
const ref = { namespace: 'default', name: 'web' };

describe('KubeClient', () => {
  it.each([
    ['get', 'GET /apis/apps/v1/namespaces/default/deployments/web'],
    ['status', 'PATCH /apis/apps/v1/namespaces/default/deployments/web/status?fieldManager=me'],
    ['list', 'GET /apis/apps/v1/deployments?labelSelector=a%3Db%2Cc&limit=5'],
    ['delete', 'DELETE /apis/apps/v1/namespaces/default/deployments/web'],
    ['node', 'GET /api/v1/nodes/n1'],
    ['binding', 'POST /api/v1/namespaces/default/pods/web/binding'],
  ])('addresses %s', async (verb, expected) => {
    const { transport, requests } = answering(json(200, { metadata: {}, items: [] }));
    const client = createKubeClient(transport);
    const calls: Record<string, () => Promise<unknown>> = {
      get: () => client.get(deployments, ref),
      status: () =>
        client.patch(
          deployments,
          ref,
          { type: 'merge', patch: {} },
          { subresource: 'status', fieldManager: 'me' },
        ),
      list: () => client.list(deployments, { labelSelector: 'a=b,c', fieldSelector: '', limit: 5 }),
      delete: () => client.delete(deployments, ref),
      node: () => client.get(nodes, { name: 'n1' }),
      binding: () => client.createSubresource(pods, ref, 'binding', { metadata: {} }),
    };
    await calls[verb]?.();
    expect(sent(requests[0])).toBe(expected);
  });

  it('gives the error that the server speaks of, with its details', async () => {
    const details = {
      name: 'web',
      kind: 'pods',
      causes: [{ field: 'spec', message: 'no', reason: 'FieldValueInvalid' }],
    };
    const status = {
      kind: 'Status',
      code: 409,
      reason: 'AlreadyExists',
      message: 'pods "web" already exists',
      details,
    };
    const client = createKubeClient(answering(json(409, status)).transport);
    await expect(client.get(pods, ref)).rejects.toMatchObject({
      kind: 'AlreadyExists',
      message: 'pods "web" already exists',
      details,
    });
  });

  it.each([
    [404, 'NotFound'],
    [410, 'Expired'],
    [418, 'BadRequest'],
    [500, 'InternalError'],
    [504, 'Timeout'],
  ])('falls back to the code %i where there is no reason that it knows', async (code, kind) => {
    const client = createKubeClient(
      answering(json(code, { kind: 'Status', reason: 'Novel', code })).transport,
    );
    await expect(client.get(pods, ref)).rejects.toMatchObject({ kind });
    const page = { status: code, headers: {}, body: Buffer.from('<h1>Oh</h1>') };
    await expect(createKubeClient(answering(page).transport).get(pods, ref)).rejects.toMatchObject({
      kind,
      message: `the server answered with code ${code}: <h1>Oh</h1>`,
    });
  });

  it('waits as long as the server asks, then tries again', async () => {
    const clock = createSteppedClock();
    const { transport, requests } = answering(
      json(429, {}, { 'retry-after': '3' }),
      json(200, { metadata: {} }),
    );
    const client = createKubeClient(transport, { clock, random: () => 0, requestTimeoutMs: 1e9 });
    const created = client.create(pods, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { containers: [] },
    });
    await clock.step(0);
    await clock.step(3_000);
    expect(requests).toHaveLength(1);
    await clock.step(100);
    await created;
    expect(requests).toHaveLength(2);
  });

  it('gives up after its retries, and never repeats a write without being told to', async () => {
    const clock = createSteppedClock();
    const busy = json(503, { kind: 'Status', reason: 'ServiceUnavailable', message: 'busy' });
    const reads = answering(busy);
    const read = createKubeClient(reads.transport, { clock, maxRetries: 2, requestTimeoutMs: 1e9 }).get(
      pods,
      ref,
    );
    const failed = expect(read).rejects.toMatchObject({ kind: 'ServiceUnavailable', message: 'busy' });
    for (let tries = 0; tries < 3; tries++) await clock.step(1_000);
    await failed;
    expect(reads.requests).toHaveLength(3);
    const writes = answering(busy);
    await expect(createKubeClient(writes.transport, { clock }).delete(pods, ref)).rejects.toMatchObject({
      message: 'busy',
    });
    expect(writes.requests).toHaveLength(1);
  });

  it('ends what is under way when its lifetime ends', async () => {
    const stop = new AbortController();
    const transport: Transport = (request) =>
      new Promise((_resolve, reject) => {
        request.signal.addEventListener('abort', () => reject(request.signal.reason as Error));
      });
    const client = createKubeClient(transport, { signal: stop.signal });
    const read = client.get(pods, ref);
    stop.abort(new Error('stopping'));
    await expect(read).rejects.toThrow('stopping');
    await expect(client.get(pods, ref)).rejects.toThrow('stopping');
  });

  it('begins nothing and repeats nothing for work that was stopped', async () => {
    const clock = createSteppedClock();
    const work = new AbortController();
    const busy = json(429, { kind: 'Status', reason: 'TooManyRequests' }, { 'retry-after': '10' });
    const { transport, requests } = answering(busy);
    const client = createKubeClient(transport, { clock, workSignal: () => work.signal });
    const write = expect(client.delete(pods, ref)).rejects.toThrow('out of time');
    await clock.step(0);
    work.abort(new Error('out of time'));
    await write;
    await expect(client.get(pods, ref)).rejects.toThrow('out of time');
    expect(requests).toHaveLength(1);
  });

  it('does not read a namespaced object without its namespace', async () => {
    const { transport, requests } = answering(json(200, {}));
    const client = createKubeClient(transport);
    expect(() => client.get(pods, { name: 'web' })).toThrow('an empty namespace may not be set');
    expect(requests).toHaveLength(0);
  });
});
