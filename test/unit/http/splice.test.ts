import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { splice } from '../../../lib/http/splice.ts';

const output = Buffer.alloc(1 << 20, 'x');

/** A connection whose other end takes what it is sent long after that has been written. */
function slowConnection() {
  let received = 0;
  const connection = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      setTimeout(() => {
        received += chunk.length;
        done();
      }, 5);
    },
  });
  return { connection, received: () => received };
}

/** One whose other end sends that, and closes. */
function closingConnection(end: (connection: Duplex) => void): Duplex {
  return new Duplex({
    read() {
      this.push(output);
      end(this);
    },
    write: (_chunk, _encoding, done) => done(),
    // As sockets: closed once the other end has closed.
    allowHalfOpen: false,
  });
}

test.each(['first', 'second'])(
  'one that reads slowly gets all that the other sent before it closed: the %s',
  async (place) => {
    const { connection, received } = slowConnection();
    const closing = closingConnection((one) => one.push(null));
    await (place === 'first' ? splice(connection, closing) : splice(closing, connection));
    expect(received()).toBe(output.length);
    expect([connection.destroyed, closing.destroyed]).toEqual([true, true]);
  },
);

test('a failure of one ends the other at once', async () => {
  const { connection, received } = slowConnection();
  await splice(
    connection,
    closingConnection((one) => one.destroy(new Error('reset'))),
  );
  expect(connection.destroyed).toBe(true);
  expect(received()).toBeLessThan(output.length);
});
