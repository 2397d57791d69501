import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, which could take one in between, and below NodePorts. */
const first = 20_000;
const end = 30_000;
const maxTries = 100;

/** A TCP port of loopback that was free a moment ago, for programs that cannot be told to choose one. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < maxTries; tries++) {
    const port = randomInt(first, end);
    if (await isFree(port)) return port;
  }
  throw new Error(`of ${maxTries} ports between ${first} and ${end} none is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
