import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import type { Logger } from '../lib/log.ts';

export interface Listening {
  /** The one that the system chose where 0 was asked for. */
  port: number;
  /** Resolves after the signal, when the port is free and every connection has ended. */
  stopped: Promise<void>;
}

export interface ListenOptions {
  address: string;
  port: number;
  log: Logger;
  signal: AbortSignal;
}

/**
 * Has a server, with or without TLS, listen until the signal, which cuts the connections that are open then: streams of hours
 * go through them. Resolves once it listens.
 *
 * @throws Error of the system where the address cannot be had
 */
export async function listenUntilStopped(
  server: Server,
  { address, port, log, signal }: ListenOptions,
): Promise<Listening> {
  const sockets = new Set<Duplex>();
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', (error) => log.debug({ error: error.message }, 'connection failed'));
  });
  server.listen(port, address);
  // Rejects by `error`.
  await once(server, 'listening');
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
