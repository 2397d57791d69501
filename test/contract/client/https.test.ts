import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpsTransport, type HttpsTransportOptions } from '../../../lib/client/https.ts';
import { createKubeClient } from '../../../lib/client/kube-client.ts';
import type { KubeClient, WatchEvent } from '../../../lib/client/port.ts';
import { pods } from '../../../lib/client/resources.ts';
import type { Pod } from '../../../lib/api/gen/types.ts';
import { systemClock } from '../../../lib/clock.ts';
import { eventually } from '../../support/wait.ts';
import { answer, pod, startWire, statusBody, type Wire } from './wire.ts';

let wire: Wire | undefined;
let closeTransport: (() => void) | undefined;

afterEach(async () => {
  closeTransport?.();
  await wire?.close();
  wire = undefined;
  closeTransport = undefined;
});

async function connect(
  handle: Parameters<typeof startWire>[0],
  options: Partial<HttpsTransportOptions> | ((wire: Wire) => Partial<HttpsTransportOptions>) = {},
): Promise<KubeClient> {
  wire = await startWire(handle);
  const more = typeof options === 'function' ? options(wire) : options;
  const { transport, close } = createHttpsTransport({ server: wire.url, ca: wire.ca, ...more });
  closeTransport = close;
  return createKubeClient(transport, { requestTimeoutMs: 5_000 });
}

async function collect(events: AsyncIterable<WatchEvent<Pod>>): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of events) {
    seen.push(
      event.type === 'BOOKMARK'
        ? `BOOKMARK ${event.resourceVersion}`
        : `${event.type} ${event.object.metadata.name}`,
    );
  }
  return seen;
}

const frame = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const signal = new AbortController().signal;

describe('HTTPS transport', () => {
  it('presents its client certificate and keeps connections', async () => {
    const seen: string[] = [];
    const connections = new Set<unknown>();
    const client = await connect(
      (request, response) => {
        const peer = (request.socket as TLSSocket).getPeerCertificate();
        seen.push(`${request.method} ${request.url} ${String(peer.subject.CN)}`);
        connections.add(request.socket);
        answer(response, 200, pod('web', 1));
      },
      (w) => ({ clientCertificate: w.client }),
    );
    await client.get(pods, { namespace: 'default', name: 'web' });
    const found = await client.get(pods, { namespace: 'default', name: 'web' }, { resourceVersion: '0' });
    expect(found.metadata.uid).toBe('uid-of-web');
    expect(seen).toEqual([
      'GET /api/v1/namespaces/default/pods/web alice',
      'GET /api/v1/namespaces/default/pods/web?resourceVersion=0 alice',
    ]);
    expect(connections.size).toBe(1);
  });

  it('does not speak to a server that another CA vouches for', async () => {
    const other = await startWire(() => undefined);
    try {
      const client = await connect((_request, response) => answer(response, 200, {}), { ca: other.ca });
      await expect(
        client.create(pods, { metadata: { name: 'a', namespace: 'default' }, spec: { containers: [] } }),
      ).rejects.toMatchObject({ kind: 'ServiceUnavailable' });
    } finally {
      await other.close();
    }
  });

  it('reads a token again once its file changed', async () => {
    const tokens: (string | undefined)[] = [];
    let nowMs = 0;
    const clock = { ...systemClock, now: () => nowMs };
    const client = await connect(
      (request, response) => {
        tokens.push(request.headers.authorization);
        answer(response, 200, pod('web', 1));
      },
      (w) => ({ token: { file: join(w.dir, 'token') }, clock }),
    );
    const file = join(wire?.dir ?? '', 'token');
    await writeFile(file, 'first\n');
    await client.get(pods, { namespace: 'default', name: 'web' });
    await writeFile(`${file}.new`, 'second\n');
    await rename(`${file}.new`, file);
    nowMs += 2_000;
    await client.get(pods, { namespace: 'default', name: 'web' });
    expect(tokens).toEqual(['Bearer first', 'Bearer second']);
  });

  it('puts frames together however the chunks fall', async () => {
    const text =
      frame('ADDED', pod('größe', 5)) + frame('MODIFIED', pod('größe', 6)) + frame('BOOKMARK', pod('', 9));
    const bytes = Buffer.from(text);
    const client = await connect(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      for (let at = 0; at < bytes.length; at += 7) {
        response.write(bytes.subarray(at, at + 7));
        if (at % 70 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    expect(await collect(client.watch(pods, { signal, resourceVersion: '4' }))).toEqual([
      'ADDED größe',
      'MODIFIED größe',
      'BOOKMARK 9',
    ]);
  });

  it('says that a watch was cut within a frame, after what was whole', async () => {
    const client = await connect((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`${frame('ADDED', pod('a', 5))}{"type":"MODI`);
    });
    const seen: string[] = [];
    const watching = async () => {
      for await (const event of client.watch(pods, { signal })) seen.push(event.type);
    };
    await expect(watching()).rejects.toMatchObject({ kind: 'ServiceUnavailable' });
    expect(seen).toEqual(['ADDED']);
  });

  it('says that a watch broke when the connection is reset', async () => {
    const client = await connect((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(frame('ADDED', pod('a', 5)), () => response.socket?.destroy());
    });
    await expect(collect(client.watch(pods, { signal }))).rejects.toMatchObject({
      kind: 'ServiceUnavailable',
    });
  });

  it.each([
    ['as the answer', true],
    ['in the middle of the watch', false],
  ])('throws Expired for 410 %s', async (_where, atOnce) => {
    const status = statusBody(410, 'Expired', 'too old resource version: 5 (9)');
    const client = await connect((_request, response) => {
      if (atOnce) return answer(response, 410, status);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(frame('ADDED', pod('a', 6)) + frame('ERROR', status));
    });
    await expect(collect(client.watch(pods, { signal }))).rejects.toMatchObject({
      kind: 'Expired',
      message: 'too old resource version: 5 (9)',
    });
  });

  it('holds the server back while its reader is slow, and loses nothing', async () => {
    const count = 400;
    let written = 0;
    let waited = 0;
    const padding = { filler: 'x'.repeat(20_000) };
    const client = await connect(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      for (; written < count; written++) {
        const more = response.write(frame('ADDED', pod(`p${written}`, written + 1, padding)));
        if (!more) {
          waited++;
          await new Promise((resolve) => response.once('drain', resolve));
        }
      }
      response.end();
    });
    const names: string[] = [];
    for await (const event of client.watch(pods, { signal })) {
      if (event.type === 'BOOKMARK') continue;
      if (names.length === 0) {
        // Nothing is read until the server has had to stop.
        await eventually('the server waits for its reader', () => waited > 0);
        expect(written).toBeLessThan(count);
      }
      names.push(event.object.metadata.name);
    }
    expect(names).toEqual(Array.from({ length: count }, (_, i) => `p${i}`));
  });

  it('ends a watch without an error, and its connection, when the caller aborts', async () => {
    let closed = false;
    const client = await connect((_request, response) => {
      response.on('close', () => {
        closed = true;
      });
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(frame('ADDED', pod('a', 5)));
    });
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const event of client.watch(pods, { signal: stop.signal })) {
      seen.push(event.type);
      stop.abort();
    }
    expect(seen).toEqual(['ADDED']);
    await eventually('the server sees the client go', () => closed);
  });

  it('gives up after its deadline when the server says nothing', async () => {
    wire = await startWire(() => undefined);
    const { transport, close } = createHttpsTransport({ server: wire.url, ca: wire.ca });
    closeTransport = close;
    const client = createKubeClient(transport, { requestTimeoutMs: 50 });
    await expect(client.get(pods, { namespace: 'default', name: 'web' })).rejects.toMatchObject({
      kind: 'Timeout',
    });
  });

  it('lets go of every connection on close', async () => {
    const client = await connect((_request, response) => answer(response, 200, pod('web', 1)));
    await client.get(pods, { namespace: 'default', name: 'web' });
    expect(wire?.sockets.size).toBe(1);
    closeTransport?.();
    await eventually('the server sees the connection end', () => wire?.sockets.size === 0);
  });

  it('sends a read again when its connection broke, never a write', async () => {
    const seen: string[] = [];
    const client = await connect((request, response) => {
      seen.push(request.method ?? '');
      if (seen.length === 1 || request.method === 'POST') response.socket?.destroy();
      else answer(response, 200, pod('web', 1));
    });
    await client.get(pods, { namespace: 'default', name: 'web' });
    await expect(
      client.create(pods, { metadata: { name: 'a', namespace: 'default' }, spec: { containers: [] } }),
    ).rejects.toMatchObject({ kind: 'ServiceUnavailable' });
    expect(seen).toEqual(['GET', 'GET', 'POST']);
  });
});
