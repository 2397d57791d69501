/** One request to what is behind the proxy, and what comes back. */
import {
  Agent as HttpAgent,
  type ClientRequest,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';
import { serviceUnavailable } from '../../../../lib/api/status.ts';
import { messageOf } from '../../../../lib/errors.ts';
import { dialFailure } from './dial-failure.ts';
import { type NodeTls, openTunnel } from './tunnel.ts';

export interface Outgoing {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** The server of the node by way of which the request goes; undefined for a direct connection. */
  through?: string | undefined;
  signal: AbortSignal;
}

export interface Incoming {
  status: number;
  headers: Record<string, string | string[]>;
  body: AsyncIterable<Uint8Array>;
}

/** Sends requests on, to servers of pods and nodes. */
export interface ProxyTransport {
  send(outgoing: Outgoing): Promise<Incoming>;
  close(): void;
}

/** As long as kube-apiserver's dialer waits. */
const dialTimeoutMs = 30_000;

/** Read for each connection. */
export interface ProxyTls {
  /** False for servers of pods: nobody vouches for their certificates. */
  rejectUnauthorized?: boolean;
  ca?: string;
  cert?: string;
  key?: string;
}

/** `nodeTls` is what requests that go by way of a node are carried with. */
export function createProxyTransport(tls: ProxyTls, nodeTls?: NodeTls): ProxyTransport {
  const secure = new HttpsAgent({ keepAlive: true });
  const plain = new HttpAgent({ keepAlive: true });
  return {
    async send(outgoing) {
      const isSecure = outgoing.url.protocol === 'https:';
      if (outgoing.through === undefined) {
        return await send(outgoing, isSecure ? { agent: secure, ...tls } : { agent: plain });
      }
      if (!nodeTls) throw new Error('a request by way of a node needs what the node is shown');
      const tunnel = await tunnelTo(outgoing, outgoing.through, nodeTls);
      const end = isSecure ? connectTls({ ...tls, socket: tunnel }) : tunnel;
      return await send(outgoing, { createConnection: () => end });
    },
    close() {
      secure.destroy();
      plain.destroy();
    },
  };
}

/** @throws KumulusError ServiceUnavailable */
async function tunnelTo({ url, signal }: Outgoing, through: string, tls: NodeTls): Promise<Socket> {
  try {
    return await openTunnel({ through, to: hostAndPort(url), tls, signal, timeoutMs: dialTimeoutMs });
  } catch (error) {
    throw unreachable(messageOf(error));
  }
}

function unreachable(why: string) {
  return serviceUnavailable(`error trying to reach service: ${why}`);
}

/** @throws KumulusError ServiceUnavailable */
function send(
  { method, url, headers, body, signal }: Outgoing,
  connection: Pick<RequestOptions, 'agent' | 'createConnection'> & ProxyTls,
): Promise<Incoming> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, signal, setHost: headers.host === undefined, ...connection };
    const outgoing = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
    outgoing.setTimeout(dialTimeoutMs, () =>
      outgoing.destroy(new Error(`dial tcp ${hostAndPort(url)}: i/o timeout`)),
    );
    outgoing.once('response', (response) => {
      outgoing.setTimeout(0);
      resolve({
        status: response.statusCode ?? 502,
        headers: headersOf(response.rawHeaders),
        body: response,
      });
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      reject(unreachable(dialFailure(error, hostAndPort(url)))),
    );
    write(outgoing, body, reject);
  });
}

function write(outgoing: ClientRequest, body: Outgoing['body'], reject: (error: unknown) => void): void {
  if (body === undefined) outgoing.end();
  else if (body instanceof Uint8Array) outgoing.end(body);
  else {
    // An answer may come before the whole body was taken; then the rest is nobody's any more.
    pipeline(Readable.from(body), outgoing).catch(reject);
  }
}

function headersOf(raw: readonly string[]): Incoming['headers'] {
  const headers: Incoming['headers'] = {};
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    const value = raw[index + 1] ?? '';
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
}
