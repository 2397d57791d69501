import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { connectSpdy, type SpdyConnection } from '../../../node-agent/server/spdy/connection.ts';
import { bytesOf, channel } from '../../../node-agent/server/streams/channels.ts';

export interface ClientTls {
  ca: string;
  cert?: string;
  key?: string;
}

/** A client of the node's API with a certificate. */
export class NodeClient {
  readonly #port: number;
  readonly #tls: ClientTls;

  constructor(port: number, tls: ClientTls) {
    this.#port = port;
    this.#tls = tls;
  }

  get(path: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { host: '127.0.0.1', port: this.#port, path, agent: false, ...this.#tls },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
          response.on('error', reject);
        },
      );
      outgoing.on('error', reject).end();
    });
  }

  webSocket(path: string, protocol: string): Promise<WebSocket> {
    const socket = new WebSocket(`wss://127.0.0.1:${this.#port}${path}`, protocol, {
      ...this.#tls,
      perMessageDeflate: false,
    });
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(socket));
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => reject(new Error(`${response.statusCode} ${text}`)));
      });
    });
  }

  /** Runs a command to its end over a channel protocol. */
  async exec(
    path: string,
    { protocol = 'v5.channel.k8s.io', stdin }: { protocol?: string; stdin?: Buffer } = {},
  ): Promise<{ stdout: Buffer; stderr: Buffer; status: string; close: number }> {
    const socket = await this.webSocket(path, protocol);
    const isBase64 = protocol.includes('base64');
    const out: Buffer[][] = [[], [], [], []];
    socket.on('message', (raw) => {
      const bytes = bytesOf(raw);
      const number = isBase64 ? (bytes[0] ?? 0) - 0x30 : (bytes[0] ?? 0);
      out[number]?.push(isBase64 ? Buffer.from(bytes.toString('latin1', 1), 'base64') : bytes.subarray(1));
    });
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    if (stdin) {
      const send = (data: Buffer) =>
        new Promise<void>((resolve) =>
          socket.send(
            isBase64 ? `0${data.toString('base64')}` : Buffer.concat([Buffer.of(channel.stdin), data]),
            () => resolve(),
          ),
        );
      for (let at = 0; at < stdin.length; at += 32_768) await send(stdin.subarray(at, at + 32_768));
      if (protocol.startsWith('v5')) socket.send(Buffer.of(channel.close, channel.stdin));
    }
    const close = await closed;
    const of = (number: number) => Buffer.concat(out[number] ?? []);
    return { stdout: of(1), stderr: of(2), status: of(3).toString(), close };
  }

  /** As older kubectl does: SPDY by upgrade. */
  spdy(path: string, streamProtocol: string): Promise<SpdyConnection> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: '127.0.0.1',
        port: this.#port,
        path,
        method: 'POST',
        agent: false,
        ...this.#tls,
        headers: {
          connection: 'Upgrade',
          upgrade: 'SPDY/3.1',
          'x-stream-protocol-version': streamProtocol,
        },
      });
      outgoing.on('upgrade', (_response, socket, head) => resolve(connectSpdy(socket, head)));
      outgoing.on('response', (response) => reject(new Error(`${response.statusCode}`)));
      outgoing.on('error', reject).end();
    });
  }

  /** As newer kubectl does: SPDY inside of a WebSocket, under a name that WebSocket libraries refuse to send. */
  tunnelledSpdy(path: string): Promise<SpdyConnection> {
    const protocol = 'SPDY/3.1+portforward.k8s.io';
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: '127.0.0.1',
        port: this.#port,
        path,
        agent: false,
        ...this.#tls,
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': randomBytes(16).toString('base64'),
          'sec-websocket-protocol': protocol,
        },
      });
      outgoing.on('upgrade', (response, socket, head) => {
        if (response.headers['sec-websocket-protocol'] !== protocol) reject(new Error('another protocol'));
        resolve(connectSpdy(binaryMessages(socket, head), Buffer.alloc(0)));
      });
      outgoing.on('response', (response) => reject(new Error(`${response.statusCode}`)));
      outgoing.on('error', reject).end();
    });
  }
}

/** The payloads of binary WebSocket messages as one stream of bytes, both ways (RFC 6455, section 5). */
function binaryMessages(socket: Duplex, head: Buffer): Duplex {
  let pending = Buffer.from(head);
  const duplex = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      const frame = Buffer.alloc(14 + chunk.length);
      frame.writeUInt16BE(0x82ff);
      frame.writeBigUInt64BE(BigInt(chunk.length), 2);
      // The mask is all zeros, so that the payload stays as it is.
      chunk.copy(frame, 14);
      socket.write(frame, done);
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  const take = (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2) {
      const short = (pending[1] ?? 0) & 0x7f;
      const at = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (pending.length < at) return;
      const length =
        short === 126 ? pending.readUInt16BE(2) : short === 127 ? Number(pending.readBigUInt64BE(2)) : short;
      if (pending.length < at + length) return;
      if (((pending[0] ?? 0) & 0x0f) === 2) duplex.push(pending.subarray(at, at + length));
      pending = pending.subarray(at + length);
    }
  };
  take(Buffer.alloc(0));
  socket.on('data', take).on('close', () => duplex.push(null));
  return duplex;
}
