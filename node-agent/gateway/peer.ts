import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { type Duplex, pipeline } from 'node:stream';
import { KumulusError, messageOf } from '../../lib/errors.ts';
import { splice } from '../../lib/http/splice.ts';

/** Told to the next node, which must not pass the stream on once more. */
export const passedOnHeader = 'x-kumulus-passed-on';

export interface Peer {
  /** The node's own address, which its certificate is good for. */
  host: string;
  port: number;
  /** PEM of the cluster's authority. */
  ca: string | Buffer;
}

const dialTimeoutMs = 10_000;
const agent = new Agent({ keepAlive: false });

function open(peer: Peer, { method, url, headers }: IncomingMessage) {
  const options: RequestOptions = {
    ...peer,
    agent,
    method,
    path: url,
    headers: { ...headers, [passedOnHeader]: '1' },
    minVersion: 'TLSv1.2',
    timeout: dialTimeoutMs,
  };
  const outgoing = httpsRequest(options);
  outgoing.once('timeout', () => outgoing.destroy(new Error('i/o timeout')));
  return outgoing;
}

/** Has another node answer a request: the caller's own, token and all. */
export function passOn(peer: Peer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = open(peer, request);
    outgoing.once('error', (error) => reject(unreachable(peer, error)));
    outgoing.once('response', (answer) => {
      outgoing.setTimeout(0);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      pipeline(answer, response, () => resolve());
    });
    response.once('close', () => outgoing.destroy());
    outgoing.end();
  });
}

/** Joins the caller's connection with another node's once that has agreed to the upgrade. */
export function passOnUpgrade(
  peer: Peer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = open(peer, request);
    outgoing.once('error', (error) => reject(unreachable(peer, error)));
    socket.once('close', () => outgoing.destroy());
    outgoing.once('upgrade', (answer, other, rest) => {
      other.setTimeout(0);
      socket.write(headOf(answer));
      if (rest.byteLength > 0) socket.write(rest);
      if (head.byteLength > 0) other.write(head);
      void splice(socket, other).then(resolve);
    });
    outgoing.once('response', (answer) => {
      socket.write(headOf(answer));
      pipeline(answer, socket, () => resolve());
    });
    outgoing.end();
  });
}

function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  let text = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    // What comes is decoded already, and ends with the connection.
    if (/^(transfer-encoding|keep-alive)$/i.test(rawHeaders[at] ?? '')) continue;
    text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  }
  return `${text}\r\n`;
}

function unreachable({ host, port }: Peer, error: Error): KumulusError {
  return new KumulusError('ServiceUnavailable', `node ${host}:${port}: ${messageOf(error)}`, {
    cause: error,
  });
}
