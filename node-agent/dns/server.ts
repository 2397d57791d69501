/** The sockets of a name server: UDP and TCP on one address and port (RFC 7766). */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Socket } from 'node:net';
import { decode, encode, type Packet, streamEncode } from 'dns-packet';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { maxUdpBytes, type Resolver, truncated } from './resolver.ts';

const idleTimeoutMs = 10_000;
const maxTcpConnections = 200;
/** A client that asks faster than it is answered is not read any further. */
const maxPerConnection = 16;
const maxQueryBytes = 4096;

export interface NameServer {
  port: number;
  close(): Promise<void>;
}

/** Rejects when the address or the port cannot be had. Port 0: one that the system chooses. */
export async function serveDns(options: {
  address: string;
  port: number;
  resolve: Resolver;
  log: Logger;
}): Promise<NameServer> {
  const { address, resolve, log } = options;
  const connections = new Set<Socket>();
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    serveConnection(socket, resolve, log);
  });
  tcp.maxConnections = maxTcpConnections;
  tcp.listen(options.port, address);
  await once(tcp, 'listening');
  const bound = tcp.address();
  const port = typeof bound === 'object' && bound ? bound.port : options.port;

  const udp = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  udp.on('message', (message, peer) => {
    const query = decodeQuery(message);
    if (!query) return;
    void resolve(query).then((response) => {
      const bytes = encode(response);
      const fits = bytes.length <= maxUdpBytes(query);
      udp.send(fits ? bytes : encode(truncated(query, response)), peer.port, peer.address);
    });
  });
  try {
    udp.bind(port, address);
    await once(udp, 'listening');
  } catch (error) {
    tcp.close();
    throw error;
  }
  udp.on('error', (error) => log.warn({ error: messageOf(error) }, 'the DNS socket failed'));

  return {
    port,
    async close() {
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((closed) => tcp.close(() => closed())),
        new Promise<void>((closed) => udp.close(() => closed())),
      ]);
    },
  };
}

function serveConnection(socket: Socket, resolve: Resolver, log: Logger): void {
  let pending = Buffer.alloc(0);
  let waiting = 0;
  socket.setTimeout(idleTimeoutMs, () => socket.destroy());
  socket.on('error', (error) => log.debug({ error: messageOf(error) }, 'a DNS connection failed'));
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    readQueries();
  });

  function readQueries(): void {
    while (pending.length >= 2 && waiting < maxPerConnection) {
      const size = pending.readUInt16BE(0);
      if (size > maxQueryBytes) return void socket.destroy();
      if (pending.length < size + 2) break;
      const query = decodeQuery(pending.subarray(2, size + 2));
      pending = pending.subarray(size + 2);
      if (!query) return void socket.destroy();
      waiting++;
      void resolve(query).then((response) => {
        waiting--;
        if (socket.writable) socket.write(streamEncode(response));
        socket.resume();
        readQueries();
      });
    }
    if (waiting >= maxPerConnection) socket.pause();
  }
}

/** Undefined for what is no query: answering it would let two servers talk to each other for ever. */
function decodeQuery(message: Buffer): Packet | undefined {
  try {
    const packet = decode(message);
    return packet.type === 'query' ? packet : undefined;
  } catch {
    // Not DNS; there is nobody to tell.
    return undefined;
  }
}
