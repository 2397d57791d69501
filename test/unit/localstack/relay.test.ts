import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { eventually } from '../../support/wait.ts';

const dir = mkdtempSync(join(tmpdir(), 'kumulus-relay-'));
const program = join(import.meta.dirname, '../../../localstack/emulator/node/relay-program.ts');
afterAll(() => rmSync(dir, { recursive: true }));

test('a relay brings all that comes, and ends with its starter', async () => {
  const answer = Buffer.alloc(8 << 20, 'x');
  const socketPath = join(dir, 'target.sock');
  const target = createServer((socket) => {
    socket.end(answer);
    socket.resume();
  });
  target.listen(socketPath);
  const port = await freePort();
  const readyFile = join(dir, 'ready');
  const relay = spawn(process.execPath, [program, String(port), socketPath, readyFile], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const exited = once(relay, 'exit');
  await eventually('a relay', () => existsSync(readyFile), { everyMs: 20 });

  const client = connect(port, '127.0.0.1');
  let received = 0;
  for await (const chunk of client as AsyncIterable<Buffer>) {
    received += chunk.length;
  }
  expect(received).toBe(answer.length);

  relay.stdin.end();
  expect(await exited).toEqual([0, null]);
  target.close();
});
