/** Watches by way of Lambda end again and again: whoever goes on from where one ended misses nothing and sees nothing twice. */
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  answerBuffered,
  answerStreamed,
  type ProxyEvent,
} from '../../../functions/apiserver/hosts/lambda.ts';
import type { ConfigMap } from '../../../lib/api/gen/types.ts';
import { createInformers } from '../../../lib/client/informers.ts';
import { createKubeClient } from '../../../lib/client/kube-client.ts';
import { configMaps } from '../../../lib/client/resources.ts';
import type { Transport } from '../../../lib/client/transport.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { ApiHandler } from '../../../lib/http/types.ts';
import { silentLogger } from '../../../lib/log.ts';
import { type Json, startServer, type TestServer } from '../../support/api-server.ts';
import { eventually } from '../../support/wait.ts';

const never = new AbortController().signal;
const namespace = 'default';
const path = `/api/v1/namespaces/${namespace}/configmaps`;
const changes = 60;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** Lambda's answers, whole. */
type Front = (handle: ApiHandler, event: ProxyEvent) => Promise<{ status: number; bytes: Buffer }>;

const fronts: Record<string, Front> = {
  async buffered(handle, event) {
    const options = { clock: systemClock, quietMs: 40, graceMs: 5_000, lingerMs: 1 };
    const { statusCode, body, isBase64Encoded } = await answerBuffered(handle, event, options, never);
    return { status: statusCode, bytes: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') };
  },
  async streamed(handle, event) {
    const sink = new PassThrough();
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), 5 + Math.random() * 40);
    let status = 0;
    const reading = sink.toArray() as Promise<Buffer[]>;
    await answerStreamed(
      handle,
      event,
      sink,
      (stream, prelude) => {
        status = prelude.statusCode;
        return stream;
      },
      { signal: never, endStream: over.signal },
    );
    clearTimeout(timer);
    return { status, bytes: Buffer.concat(await reading) };
  },
};

/** As whoever administers the cluster. */
function transportOf(front: Front): Transport {
  const asAdmin: ApiHandler = (request) =>
    server.handle({
      ...request,
      peer: { via: 'process', user: { username: 'admin', groups: ['system:masters'] } },
    });
  return async ({ method, path: target, query, headers, body }) => {
    const multiValueQueryStringParameters: Record<string, string[]> = {};
    for (const [name, value] of query) (multiValueQueryStringParameters[name] ??= []).push(value);
    const bytes = body instanceof Uint8Array ? Buffer.from(body) : undefined;
    const answer = await front(asAdmin, {
      httpMethod: method,
      path: target,
      multiValueHeaders: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, [String(value)]]),
      ),
      multiValueQueryStringParameters,
      body: bytes?.toString('base64') ?? null,
      isBase64Encoded: bytes !== undefined,
    });
    return { status: answer.status, headers: { 'content-type': 'application/json' }, body: answer.bytes };
  };
}

/** Objects come, change and go, at their own pace. */
async function churn(prefix: string): Promise<void> {
  for (let i = 0; i < changes; i++) {
    const name = `${prefix}-${i % 7}`;
    const found = await server.get(`${path}/${name}`);
    if (found.status === 404) await server.post(path, { metadata: { name }, data: { i: String(i) } });
    else if (i % 5 === 0) await server.delete(`${path}/${name}`);
    else await server.put(`${path}/${name}`, { ...found.json, data: { i: String(i) } });
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

const framesOf = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Json);
const nameOf = ({ type, object }: Json) =>
  `${type} ${object?.metadata?.name}@${object?.metadata?.resourceVersion}`;

describe.each(Object.keys(fronts))('%s', (mode) => {
  const transport = transportOf(fronts[mode] as Front);

  test('a client that goes on from each watch’s last revision sees every change once, in order', async () => {
    const from = (await server.get(path)).json.metadata?.resourceVersion ?? '';
    const writing = churn(`raw-${mode}`);
    let isOver = false;
    writing.finally(() => (isOver = true)).catch(() => undefined);
    const seen: string[] = [];
    let revision = from;
    let watches = 0;
    let quietAfterEnd = 0;
    while (quietAfterEnd < 2) {
      const wasOver = isOver;
      const query = new URLSearchParams({
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: revision,
      });
      const answer = await transport({
        method: 'GET',
        path,
        query,
        headers: { accept: 'application/json' },
        body: undefined,
        signal: never,
      });
      watches++;
      const frames = framesOf(
        Buffer.from(answer.body as Uint8Array)
          .toString()
          .replace(/^.*\0{8}/s, ''),
      );
      for (const frame of frames) {
        expect(frame.type).not.toBe('ERROR');
        if (frame.type !== 'BOOKMARK') seen.push(nameOf(frame));
        revision = frame.object?.metadata?.resourceVersion ?? revision;
      }
      quietAfterEnd = wasOver && frames.every(({ type }) => type === 'BOOKMARK') ? quietAfterEnd + 1 : 0;
    }
    await writing;
    const { text } = await server.get(`${path}?watch=true&timeoutSeconds=1&resourceVersion=${from}`);
    const all = framesOf(text).map(nameOf);
    expect(seen).toEqual(all);
    expect(all.length).toBeGreaterThanOrEqual(changes);
    expect(watches).toBeGreaterThan(3);
  });

  test('an informer is told of each state once, and ends with what is there', async () => {
    const stop = new AbortController();
    const plain: Transport = async (request) => {
      const answer = await transport(request);
      const body = Buffer.from(answer.body as Uint8Array);
      const at = body.indexOf(Buffer.alloc(8));
      return { ...answer, body: at < 0 ? body : body.subarray(at + 8) };
    };
    const client = createKubeClient(plain, { clock: systemClock, signal: stop.signal });
    const informers = createInformers(client, { clock: systemClock, log: silentLogger });
    const informer = informers.informer<ConfigMap>(configMaps, { namespace });
    const told: string[] = [];
    informer.onChange(({ before, after }) => {
      const { name, resourceVersion } = (after ?? before)?.metadata ?? {};
      told.push(`${after ? 'is' : 'was'} ${name}@${resourceVersion}`);
    });
    await informers.start(stop.signal);
    await churn(`informed-${mode}`);
    const { json } = await server.get(path);
    const there = (json.items ?? []).map(({ metadata }) => `${metadata?.name}@${metadata?.resourceVersion}`);
    await eventually('all that is there', () => {
      const known = informer.list().map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);
      return known.sort().join() === [...there].sort().join();
    });
    stop.abort();
    expect(new Set(told).size).toBe(told.length);
    expect(told.filter((one) => one.includes(`informed-${mode}`)).length).toBeGreaterThanOrEqual(changes);
  });
});
