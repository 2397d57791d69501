/** Ends TLS and routes as the stack's CloudFront distribution does: streams to a node's gateway, all else to the endpoint. */
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { gatewayPaths } from '../../../infra/edge-paths.ts';
import { listen } from '../listen.ts';

export interface Front {
  url: string;
  /** Paths that went to the gateway. */
  streamed: string[];
  close(): Promise<void>;
}

export async function startFront(options: {
  /** PEM files. */
  certificateFile: string;
  keyFile: string;
  gateway: { host: string; port: number };
  /** The URL of the Kubernetes API. */
  endpoint: string;
}): Promise<Front> {
  const { gateway, endpoint } = options;
  const ca = readFileSync(options.certificateFile, 'utf8');
  const patterns = gatewayPaths.map((pattern) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`));
  const isStream = ({ url = '' }: IncomingMessage) =>
    patterns.some((pattern) => pattern.test(url.split('?')[0] ?? ''));
  const base = new URL(endpoint);
  const streamed: string[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer({ cert: ca, key: readFileSync(options.keyFile) }, (incoming, answer) => {
    const { method, headers, url } = incoming;
    const toGateway = isStream(incoming);
    if (toGateway) streamed.push(url ?? '');
    const outgoing = toGateway
      ? httpRequest({ ...gateway, method, headers, path: url })
      : httpsRequest({
          host: base.hostname,
          port: base.port,
          ca,
          method,
          headers: { ...headers, host: base.host },
          path: `${base.pathname.replace(/\/$/, '')}${url}`,
        });
    outgoing.once('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    outgoing.once('error', () => answer.destroy());
    answer.once('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isStream(incoming)) return socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
    streamed.push(incoming.url ?? '');
    const other = connect(gateway.port, gateway.host);
    const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
    for (let at = 0; at < incoming.rawHeaders.length; at += 2)
      lines.push(`${incoming.rawHeaders[at]}: ${incoming.rawHeaders[at + 1]}`);
    other.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (head.byteLength > 0) other.write(head);
    socket.pipe(other).pipe(socket);
    other.once('error', () => socket.destroy());
    socket.once('close', () => other.destroySoon());
  });
  const port = await listen(server);
  return {
    url: `https://127.0.0.1:${port}`,
    streamed,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
