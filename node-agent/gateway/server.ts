import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Listening, type ListenOptions, listenUntilStopped } from '../listen.ts';
import type { StreamGateway } from './index.ts';

export interface GatewayServerOptions extends ListenOptions {
  gateway: StreamGateway;
}

/** What load balancers ask. */
const healthPath = '/healthz';

/**
 * The gateway for whoever ends TLS in front of it: a load balancer inside the nodes' network, which CloudFront alone
 * reaches. Resolves once it listens.
 */
export function startGatewayServer({ gateway, ...listen }: GatewayServerOptions): Promise<Listening> {
  const server = createServer({ headersTimeout: 30_000 }, (request, response) => {
    if (request.url !== healthPath) return gateway.request(request, response);
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    gateway.upgrade(request, socket, head),
  );
  return listenUntilStopped(server, listen);
}
