import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { spliceUpgrade } from '../../../../node-agent/server/streams/tunnel.ts';

test('a client that reads slowly gets all that the runtime sent before it closed', async () => {
  const output = Buffer.alloc(1 << 20, 'x');
  const runtime = new Duplex({
    read() {
      this.push(output);
      this.push(null);
    },
    write: (_chunk, _encoding, done) => done(),
    // As sockets: closed once the other end has.
    allowHalfOpen: false,
  });
  let received = 0;
  const client = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      // Long after the runtime has closed.
      setTimeout(() => {
        received += chunk.length;
        done();
      }, 5);
    },
  });
  const response = { rawHeaders: [] } as unknown as IncomingMessage;
  const answer = 'HTTP/1.1 101 Switching Protocols\r\n\r\n';
  await spliceUpgrade(client, Buffer.alloc(0), { socket: runtime, head: Buffer.alloc(0), response });
  expect(received).toBe(answer.length + output.length);
});
