import { KumulusError, messageOf } from '../../../lib/errors.ts';
import type { SpdyConnection } from '../spdy/connection.ts';
import type { Channels } from './channels.ts';

export const portForwardProtocol = 'portforward.k8s.io';
/** kubectl's SPDY frames inside WebSocket messages (KEP-4006). */
export const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';
/** The older protocol over WebSocket: two channels a port, named in the query. */
export const portForwardChannelProtocols = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'] as const;

/** By the name of the node's own API, or of the cluster's. @throws KumulusError BadRequest, Invalid */
export function parsePorts(query: URLSearchParams): number[] {
  const values = ['port', 'ports'].flatMap((name) => query.getAll(name)).flatMap((value) => value.split(','));
  if (values.length === 0) throw new KumulusError('BadRequest', 'query parameter "port" is required');
  return values.map((value) => {
    const port = Number(value);
    if (!/^\d+$/.test(value) || port < 1 || port > 65_535) {
      throw new KumulusError(
        'BadRequest',
        `port: Invalid value: ${JSON.stringify(value)}: must be between 1 and 65535`,
      );
    }
    return port;
  });
}

/** Joins the channels 2n (data) and 2n+1 (error) with the streams for the n-th port, until the client has gone. */
export async function joinPortForward(
  channels: Channels,
  runtime: SpdyConnection,
  ports: readonly number[],
): Promise<void> {
  const pairs = await Promise.all(
    ports.map(async (port, index) => {
      const headers = { port: String(port), requestID: String(index) };
      const error = await runtime.open({ streamType: 'error', ...headers });
      error.end();
      const data = await runtime.open({ streamType: 'data', ...headers });
      return { port, data, error };
    }),
  );
  for (const [index, { port }] of pairs.entries()) {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    await channels.send(index * 2, number);
    await channels.send(index * 2 + 1, number);
  }
  const output = pairs.flatMap(({ data, error }, index) => [
    copy(data.incoming, (bytes) => channels.send(index * 2, bytes)),
    copy(error.incoming, (bytes) => channels.send(index * 2 + 1, bytes)),
  ]);
  // A stream that breaks is an end like another: the client sees its connection close.
  const finished = Promise.all(output).catch(() => undefined);
  const input = (async () => {
    for await (const message of channels.messages()) {
      const pair = pairs[message.channel >> 1];
      if (!pair || message.channel % 2) continue;
      await pair.data.write(message.data).catch((error: unknown) => {
        pair.data.reset();
        return channels.send(message.channel + 1, Buffer.from(messageOf(error)));
      });
    }
  })();
  await Promise.race([finished, input]);
  channels.close();
  runtime.close();
}

async function copy(from: AsyncIterable<Buffer>, send: (bytes: Buffer) => Promise<void>): Promise<void> {
  for await (const bytes of from) await send(bytes);
}
