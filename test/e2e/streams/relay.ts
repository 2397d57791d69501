import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

/** Reaches loopback ports of a network namespace from this one: a Unix socket is in no namespace. */
export interface Relay {
  /** The same URL with a port of this namespace. */
  outside(url: string): Promise<string>;
  close(): Promise<void>;
}

export async function startRelay(netns: string, socketPath: string): Promise<Relay> {
  const program = join(import.meta.dirname, 'programs', 'relay.ts');
  const child = spawn('nsenter', [`--net=/run/netns/${netns}`, process.execPath, program, socketPath], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const servers = new Map<string, Server>();
  return {
    outside: async (url) => {
      const target = new URL(url);
      let server = servers.get(target.port);
      if (!server) {
        const port = Buffer.alloc(2);
        port.writeUInt16BE(Number(target.port));
        server = createServer((client) => {
          const inside = connect(socketPath);
          inside.write(port);
          for (const [one, other] of [
            [client, inside],
            [inside, client],
          ] as const) {
            one.on('error', () => other.destroy());
            one.once('close', () => other.destroySoon());
            one.pipe(other);
          }
        });
        servers.set(target.port, server);
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
      }
      target.port = String((server.address() as AddressInfo).port);
      return target.href;
    },
    close: async () => {
      for (const server of servers.values()) server.close();
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
