/** The API server's Lambda host, with events as API Gateway sends them. */
import { PassThrough, type Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  answerBuffered,
  answerStreamed,
  mostPayloadBytes,
  type ProxyEvent,
  requestOf,
  type StreamPrelude,
} from '../../../functions/apiserver/hosts/lambda.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { ApiHandler, ApiResponse } from '../../../lib/http/types.ts';
import { eventually } from '../../support/wait.ts';

const never = new AbortController().signal;

/** As a REST API sends it for `kubectl get pods`, shortened where nothing is read. */
const recorded: ProxyEvent = {
  httpMethod: 'GET',
  path: '/api/v1/namespaces/default/pods',
  headers: { Accept: 'application/json', Host: 'abc123.execute-api.eu-central-1.amazonaws.com' },
  multiValueHeaders: {
    Accept: ['application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json'],
    Authorization: ['Bearer k8s-aws-v1.aHR0cHM6Ly8'],
    Host: ['abc123.execute-api.eu-central-1.amazonaws.com'],
    'X-Forwarded-For': ['203.0.113.7'],
  },
  queryStringParameters: { limit: '500' },
  multiValueQueryStringParameters: { limit: ['500'] },
  body: null,
  isBase64Encoded: false,
  requestContext: { identity: { sourceIp: '203.0.113.7' } },
};

/** Resolves when the signal aborts, or at once where it has. */
const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const json = (value: unknown): ApiResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json', 'content-length': '2' },
  body: Buffer.from(JSON.stringify(value)),
});

describe('a request', () => {
  test('has every header and query parameter, however often it came', () => {
    const request = requestOf(
      {
        ...recorded,
        multiValueQueryStringParameters: { labelSelector: ['app in (a,b)'], x: ['1', '2'] },
      },
      never,
    );
    expect(request).toMatchObject({ method: 'GET', path: '/api/v1/namespaces/default/pods' });
    expect(request.headers.accept).toBe('application/json;as=Table;v=v1;g=meta.k8s.io, application/json');
    expect(request.query.get('labelSelector')).toBe('app in (a,b)');
    expect(request.query.getAll('x')).toEqual(['1', '2']);
    expect(request.peer).toEqual({ via: 'lambda', address: '203.0.113.7' });
    expect(request.body).toBeUndefined();
  });

  test('has its single values where there are no lists', () => {
    const request = requestOf(
      { ...recorded, multiValueHeaders: null, multiValueQueryStringParameters: null },
      never,
    );
    expect(request.headers.accept).toBe('application/json');
    expect(request.query.get('limit')).toBe('500');
  });

  test.each([
    ['/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node', undefined],
    ['/api/v1/nodes/n/proxy/a%2Fb', undefined],
    ['/api/v1/nodes/n/proxy/a b?c', '/api/v1/nodes/n/proxy/a%20b%3Fc'],
    ['/api/v1/nodes/n/proxy/100%', '/api/v1/nodes/n/proxy/100%25'],
    ['/api/v1/nodes/n/proxy/grüße', '/api/v1/nodes/n/proxy/gr%C3%BC%C3%9Fe'],
  ])('keeps an encoded path and encodes what cannot be one: %s', (path, expected) => {
    expect(requestOf({ ...recorded, path }, never).path).toBe(expected ?? path);
  });

  test('has the bytes of its body, be they sent as text or as base64', () => {
    const bytes = Buffer.from([0x6b, 0x38, 0x73, 0x00, 0xff]);
    const binary = requestOf(
      { ...recorded, httpMethod: 'POST', body: bytes.toString('base64'), isBase64Encoded: true },
      never,
    );
    expect(binary.body).toEqual(bytes);
    const text = requestOf({ ...recorded, httpMethod: 'POST', body: '{"a":"ü"}' }, never);
    expect(text.body).toEqual(Buffer.from('{"a":"ü"}'));
  });

  test.each([[{}], [null], [{ Records: [] }], [{ version: '2.0', rawPath: '/' }]])(
    'is none for an event of something else: %j',
    (event) => {
      expect(() => requestOf(event as unknown as ProxyEvent, never)).toThrow('not one of a REST API');
    },
  );
});

describe('a buffered answer', () => {
  const buffered = (handle: ApiHandler, event = recorded) =>
    answerBuffered(handle, event, { clock: systemClock, quietMs: 100, graceMs: 50, lingerMs: 5 }, never);

  test('is text where it is text, and base64 where it is not', async () => {
    expect(await buffered(async () => json({}))).toEqual({
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      multiValueHeaders: {},
      body: '{}',
      isBase64Encoded: false,
    });
    const protobuf = await buffered(async () => ({
      status: 200,
      headers: { 'content-type': 'application/vnd.kubernetes.protobuf', warning: ['299 - "a"', '299 - "b"'] },
      body: Buffer.from([0x6b, 0x00]),
    }));
    expect(protobuf).toMatchObject({ body: 'awA=', isBase64Encoded: true });
    expect(protobuf.multiValueHeaders).toEqual({ warning: ['299 - "a"', '299 - "b"'] });
    const zipped = await buffered(async () => ({
      status: 200,
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: Buffer.from([0x1f, 0x8b]),
    }));
    expect(zipped.isBase64Encoded).toBe(true);
  });

  test('that is larger than Lambda gives is 413, as a Status that says what to do', async () => {
    const result = await buffered(async () => json('x'.repeat(mostPayloadBytes)));
    expect(result.statusCode).toBe(413);
    expect(JSON.parse(result.body)).toMatchObject({
      kind: 'Status',
      reason: 'RequestEntityTooLarge',
      code: 413,
      message: expect.stringContaining('with a limit or a selector'),
    });
  });

  test('that was to be an upgrade says what carries it', async () => {
    const result = await buffered(async () => ({
      status: 101,
      headers: {},
      body: undefined,
      upgrade: { url: 'https://10.0.0.5:10250/exec/default/web/app', headers: {} },
    }));
    expect(JSON.parse(result.body)).toMatchObject({ code: 400, message: expect.stringContaining('Edge') });
  });

  test('that could not be had of a node says where it can, and every other failure is as it was', async () => {
    const failing = (message: string, code = 500) =>
      Object.assign(json({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code }), {
        status: code,
      });
    const ask = async (path: string, response: ApiResponse) => {
      const result = await buffered(async () => response, { ...recorded, path });
      const { message, code } = JSON.parse(result.body) as { message: string; code: number };
      expect(code).toBe(result.statusCode);
      return message;
    };
    const log = '/api/v1/namespaces/default/pods/web/log';
    const late =
      'Get "https://10.0.0.5:10250/containerLogs/default/web/c": dial tcp 10.0.0.5:10250: i/o timeout';
    expect(await ask(log, failing(late))).toBe(
      `${late}; functions do not reach the network of the nodes: logs go by way of the stack’s Edge (docs/aws.md)`,
    );
    const nowhere = 'error trying to reach service: dial tcp 10.244.0.7:80: connect: no route to host';
    for (const path of [
      '/api/v1/namespaces/default/pods/web:80/proxy/index.html',
      '/api/v1/namespaces/default/services/https:web:443/proxy',
      '/api/v1/nodes/node-1/proxy/metrics',
    ])
      expect(await ask(path, failing(nowhere, 503))).toContain(`${nowhere}; functions do not reach`);
    const refused = 'error trying to reach service: dial tcp 10.244.0.7:80: connect: connection refused';
    expect(await ask('/api/v1/nodes/node-1/proxy/', failing(refused, 503))).toBe(refused);
    expect(await ask('/api/v1/namespaces/log/pods/web', failing(late))).toBe(late);
    expect(await ask(log, failing('no such container', 404))).toBe('no such container');
  });

  test('of a watch ends soon after its first events, or when nothing happens', async () => {
    const watch = { ...recorded, multiValueQueryStringParameters: { watch: ['true'] } };
    let ended = 0;
    const stream =
      (chunks: string[]): ApiHandler =>
      async ({ signal }) => ({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: (async function* () {
          for (const chunk of chunks) yield Buffer.from(chunk);
          await aborted(signal);
          ended++;
        })(),
      });
    expect((await buffered(stream(['{"type":"ADDED"}\n', '{"type":"MODIFIED"}\n']), watch)).body).toBe(
      '{"type":"ADDED"}\n{"type":"MODIFIED"}\n',
    );
    expect((await buffered(stream([]), watch)).body).toBe('');
    expect(ended).toBe(2);
  });

  test('of a watch has its last words, and is cut when it does not end', async () => {
    const watch = { ...recorded, multiValueQueryStringParameters: { watch: ['1'] } };
    const polite: ApiHandler = async ({ endStream }) => ({
      status: 200,
      headers: {},
      body: (async function* () {
        await aborted(endStream as AbortSignal);
        yield Buffer.from('{"type":"BOOKMARK"}\n');
      })(),
    });
    expect((await buffered(polite, watch)).body).toBe('{"type":"BOOKMARK"}\n');
    const stubborn: ApiHandler = async ({ signal }) => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield Buffer.from('x');
        await aborted(signal);
      })(),
    });
    expect((await buffered(stubborn, watch)).body).toBe('x');
  });
});

describe('a streamed answer', () => {
  /** `awslambda.HttpResponseStream.from`: JSON of the metadata, eight zero bytes, then the body. */
  function open(sink: Writable, prelude: StreamPrelude): Writable {
    sink.write(JSON.stringify(prelude));
    sink.write(Buffer.alloc(8));
    return sink;
  }
  async function read(sink: PassThrough): Promise<{ prelude: StreamPrelude; body: string }> {
    const all = Buffer.concat(await sink.toArray());
    const at = all.indexOf(Buffer.alloc(8));
    return {
      prelude: JSON.parse(all.subarray(0, at).toString()) as StreamPrelude,
      body: all.subarray(at + 8).toString(),
    };
  }

  test('begins with its status and headers, and goes on as it comes', async () => {
    const sink = new PassThrough();
    const reading = read(sink);
    await answerStreamed(async () => ({ ...json({ a: 1 }), status: 201 }), recorded, sink, open, {
      signal: never,
      endStream: never,
    });
    const { prelude, body } = await reading;
    expect(prelude).toEqual({
      statusCode: 201,
      headers: { 'content-type': 'application/json' },
      multiValueHeaders: {},
    });
    expect(body).toBe('{"a":1}');
  });

  test('sends each event of a watch at once, and ends the watch when the client has gone', async () => {
    const sink = new PassThrough();
    let isOver = false;
    const handle: ApiHandler = async ({ signal }) => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield Buffer.from('first');
        await aborted(signal);
        isOver = true;
      })(),
    });
    const answering = answerStreamed(handle, recorded, sink, open, { signal: never, endStream: never });
    let seen = '';
    sink.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1');
    });
    await eventually('the first event', () => seen.endsWith('first'));
    sink.destroy();
    await answering;
    expect(isOver).toBe(true);
  });

  test('ends a watch when the function runs out of time, and the stream is whole', async () => {
    const sink = new PassThrough();
    const reading = read(sink);
    const timeUp = new AbortController();
    const handle: ApiHandler = async ({ endStream }) => ({
      status: 200,
      headers: {},
      body: (async function* () {
        await aborted(endStream as AbortSignal);
        yield Buffer.from('{"type":"BOOKMARK"}\n');
      })(),
    });
    const answering = answerStreamed(handle, recorded, sink, open, {
      signal: never,
      endStream: timeUp.signal,
    });
    timeUp.abort();
    await answering;
    expect((await reading).body).toBe('{"type":"BOOKMARK"}\n');
  });
});
