/** Brings what listens on this machine's loopback onto that of nodes, so that it goes by the same URL in both places. */
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import { readPidFile } from '../../../lib/process/identity.ts';
import { stopProcess } from '../../../lib/process/stop.ts';
import { type Supervised, supervise } from '../../../lib/process/supervise.ts';
import type { NodePlace } from '../../embedded/node/node.ts';

export interface Relay {
  /** Has it listen where the node is, too, from now on. */
  into(node: NodePlace): Promise<void>;
  close(): Promise<void>;
}

const program = join(import.meta.dirname, 'relay-program.ts');

export async function openRelay(options: {
  host: string;
  port: number;
  /** Where its Unix socket is made, in a directory that belongs to nobody else. */
  socketPath: string;
  clock: Clock;
  log: Logger;
}): Promise<Relay> {
  const { host, port, socketPath, clock, log } = options;
  const running: Supervised[] = [];
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
        // What has come still goes on its way.
        other.destroySoon();
      });
      one.pipe(other);
    }
  });
  // Of a start that was killed.
  rmSync(socketPath, { force: true });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    async into({ name, namespacePath, dir }) {
      const pidFile = join(dir.root, 'relay.pid');
      const readyFile = join(dir.root, 'relay.ready');
      const left = readPidFile(pidFile);
      if (left) await stopProcess(left, { clock, graceMs: 2_000 });
      rmSync(readyFile, { force: true });
      const relay = await supervise({
        name: `relay of ${name}`,
        command: 'nsenter',
        args: [
          `--net=${namespacePath}`,
          '--',
          process.execPath,
          program,
          String(port),
          socketPath,
          readyFile,
        ],
        stdio: ['pipe', 'inherit', 'inherit'],
        pidFile,
        ready: () => Promise.resolve(existsSync(readyFile)),
        readyWithinMs: 30_000,
        hint: `port ${port} of its namespace may be taken`,
        clock,
        log,
      });
      running.push(relay);
    },
    async close() {
      await Promise.all(running.map((relay) => relay.stop(2_000)));
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
