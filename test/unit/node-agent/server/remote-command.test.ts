import { expect, test } from 'vitest';
import type { SpdyConnection, SpdyStream } from '../../../../node-agent/server/spdy/connection.ts';
import { channel, type Channels } from '../../../../node-agent/server/streams/channels.ts';
import { joinRemoteCommand } from '../../../../node-agent/server/streams/remote-command.ts';

const part = Buffer.from('a part of the output\n');
const parts = 20;

/** A runtime that breaks off: of its outputs one has still much to be read, and the others break at once. */
function brokenRuntime(): SpdyConnection {
  const incoming: Record<string, () => AsyncGenerator<Buffer>> = {
    async *stdout() {
      for (let i = 0; i < parts; i++) yield part;
      throw new Error('the connection is closed');
    },
    // eslint-disable-next-line require-yield
    async *other() {
      throw new Error('the connection is closed');
    },
  };
  return {
    closed: Promise.resolve(undefined),
    close: () => undefined,
    open: async ({ streamType = '' }): Promise<SpdyStream> => ({
      id: 1,
      write: async () => undefined,
      end: () => undefined,
      reset: () => undefined,
      incoming: { [Symbol.asyncIterator]: incoming[streamType] ?? incoming.other! },
    }),
  };
}

test('passes on all that the runtime has sent before it broke off', async () => {
  const sent: [number, string][] = [];
  let isClosed = false;
  const channels: Channels = {
    async *messages() {
      await new Promise<never>(() => undefined);
      yield { channel: channel.stdin, data: Buffer.alloc(0) };
    },
    async send(number, data) {
      // A client that reads slowly.
      await new Promise((resolve) => setImmediate(resolve));
      if (isClosed) throw new Error('closed');
      if (data.length > 0) sent.push([number, Buffer.from(data).toString()]);
    },
    close: () => {
      isClosed = true;
    },
  };
  const options = { stdin: false, stdout: true, stderr: true, tty: false };
  await joinRemoteCommand(channels, brokenRuntime(), options, 'v5.channel.k8s.io');
  expect(sent).toEqual(Array.from({ length: parts }, () => [channel.stdout, part.toString()]));
  expect(isClosed).toBe(true);
});
