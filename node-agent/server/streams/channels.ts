import type { RawData, WebSocket } from 'ws';

/**
 * The channel protocols of Kubernetes over WebSocket: every message begins with the number of its channel. The base64
 * ones carry text: the number as a digit, the rest in base64. Only v5 can close a channel from the client.
 */
export const remoteCommandProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
] as const;

export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export interface ChannelMessage {
  channel: number;
  data: Buffer;
}

export interface Channels {
  /** Messages as they come, until the client closes. */
  messages(): AsyncIterable<ChannelMessage>;
  send(channelNumber: number, data: Uint8Array): Promise<void>;
  close(): void;
}

/** Messages that a slow reader holds up: past this the socket is paused. */
const highWaterMessages = 32;

export function channelsOver(socket: WebSocket, protocol: string): Channels {
  const isBase64 = protocol.includes('base64');
  const queue: ChannelMessage[] = [];
  let isClosed = socket.readyState === socket.CLOSED;
  let changed = Promise.withResolvers<void>();
  const tell = () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  socket.on('message', (raw) => {
    const message = decode(bytesOf(raw), isBase64);
    if (!message) return;
    queue.push(message);
    if (queue.length >= highWaterMessages) socket.pause();
    tell();
  });
  socket.on('close', () => {
    isClosed = true;
    tell();
  });
  socket.on('error', () => socket.terminate());
  return {
    async *messages() {
      for (;;) {
        const message = queue.shift();
        if (message) {
          if (socket.isPaused && queue.length < highWaterMessages / 2) socket.resume();
          yield message;
        } else if (isClosed) return;
        else await changed.promise;
      }
    },
    send: (channelNumber, data) =>
      new Promise((resolve, reject) => {
        const message = isBase64
          ? `${channelNumber}${Buffer.from(data).toString('base64')}`
          : Buffer.concat([Buffer.of(channelNumber), data]);
        socket.send(message, (error) => (error ? reject(error) : resolve()));
      }),
    close: () => socket.close(1000),
  };
}

export function bytesOf(raw: RawData): Buffer {
  if (Buffer.isBuffer(raw)) return raw;
  return Array.isArray(raw) ? Buffer.concat(raw) : Buffer.from(raw);
}

function decode(message: Buffer, isBase64: boolean): ChannelMessage | undefined {
  const first = message[0];
  if (first === undefined) return undefined;
  if (!isBase64) return { channel: first, data: message.subarray(1) };
  return { channel: first - 0x30, data: Buffer.from(message.toString('latin1', 1), 'base64') };
}
