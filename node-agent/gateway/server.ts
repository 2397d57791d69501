import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../lib/log.ts';
import type { StreamGateway } from './index.ts';

export interface GatewayServerOptions {
  gateway: StreamGateway;
  address: string;
  port: number;
  log: Logger;
  signal: AbortSignal;
}

/** What load balancers ask. */
const healthPath = '/healthz';

/**
 * The gateway for whoever ends TLS in front of it: a load balancer inside the nodes' network, which CloudFront alone
 * reaches. Resolves once it listens.
 */
export async function startGatewayServer(
  options: GatewayServerOptions,
): Promise<{ port: number; stopped: Promise<void> }> {
  const { gateway, address, port, log, signal } = options;
  const sockets = new Set<Duplex>();
  const server = createServer({ headersTimeout: 30_000 }, (request, response) => {
    if (request.url !== healthPath) return gateway.request(request, response);
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', (error) => log.debug({ error: error.message }, 'connection failed'));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    gateway.upgrade(request, socket, head),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const stopped = new Promise<void>((resolve) => {
    const stop = () => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  const bound = server.address();
  return { port: typeof bound === 'object' && bound ? bound.port : port, stopped };
}
