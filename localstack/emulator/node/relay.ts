/** Brings what listens on this machine's loopback onto that of nodes, so that it goes by the same URL in both places. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

export interface Relay {
  /** Has it listen in the namespace, too. */
  into(namespacePath: string): Promise<void>;
  close(): Promise<void>;
}

const program = join(import.meta.dirname, 'relay-program.ts');

/** @param socketPath where its Unix socket is made, below a directory that belongs to nobody else */
export async function openRelay(host: string, port: number, socketPath: string): Promise<Relay> {
  const children: ChildProcess[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((inside) => {
    const outside = connect(port, host);
    for (const [one, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      sockets.add(one);
      one.once('error', () => other.destroy());
      one.once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  // Of a start that was killed.
  rmSync(socketPath, { force: true });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    async into(namespacePath) {
      const child = spawn(
        'nsenter',
        [`--net=${namespacePath}`, '--', process.execPath, program, String(port), socketPath],
        { stdio: ['pipe', 'pipe', 'inherit'], detached: true },
      );
      children.push(child);
      const ended = once(child, 'exit').then(([code]) => {
        throw new Error(`the relay into ${namespacePath} ended with ${code}`);
      });
      await Promise.race([once(child.stdout, 'data'), ended]);
      // From here on its end is seen by those who call through it.
      ended.catch(() => undefined);
    },
    async close() {
      for (const child of children) child.stdin?.end();
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
