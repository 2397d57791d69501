import { messageOf } from '../../../lib/errors.ts';
import type { StreamOptions } from '../../cri/types.ts';
import type { SpdyConnection, SpdyStream } from '../spdy/connection.ts';
import { channel, type Channels } from './channels.ts';

/** The runtime's stream protocol: with the exit code as a `metav1.Status` on the error stream, and terminal sizes. */
export const runtimeProtocol = 'v4.channel.k8s.io';

/**
 * Joins a client's channels with the runtime's streams until the command has ended or the client has gone. The order
 * in which the streams are opened is that of kubectl: error, stdin, stdout, stderr, resize.
 */
export async function joinRemoteCommand(
  channels: Channels,
  runtime: SpdyConnection,
  options: StreamOptions,
  protocol: string,
): Promise<void> {
  const openStream = (streamType: string) => runtime.open({ streamType });
  const error = await openStream('error');
  const stdin = options.stdin ? await openStream('stdin') : undefined;
  const stdout = options.stdout ? await openStream('stdout') : undefined;
  const stderr = options.stderr ? await openStream('stderr') : undefined;
  const resize = options.tty ? await openStream('resize') : undefined;

  // As kubelet does: tells the client that the connection is up.
  for (const number of [stdout && channel.stdout, stderr && channel.stderr, channel.error]) {
    if (number !== undefined) await channels.send(number, Buffer.alloc(0));
  }
  // Each to its own end: where the runtime breaks off, what it has sent is passed on all the same.
  const output = Promise.allSettled([
    stdout && forward(stdout, (data) => channels.send(channel.stdout, data)),
    stderr && forward(stderr, (data) => channels.send(channel.stderr, data)),
    forwardStatus(error, channels, protocol),
  ]);
  const input = readInput(channels, { stdin, resize }, protocol);
  // The client that goes away ends it; the end of its input does not. A stream that breaks is the runtime's end.
  await Promise.race([output, input]).catch(() => undefined);
  channels.close();
  runtime.close();
}

/** Resolves when the client has closed its end. */
async function readInput(
  channels: Channels,
  { stdin, resize }: { stdin: SpdyStream | undefined; resize: SpdyStream | undefined },
  protocol: string,
): Promise<void> {
  for await (const message of channels.messages()) {
    try {
      if (message.channel === channel.stdin) await stdin?.write(message.data);
      else if (message.channel === channel.resize) await resize?.write(message.data);
      else if (
        message.channel === channel.close &&
        protocol.startsWith('v5.') &&
        message.data[0] === channel.stdin
      )
        stdin?.end();
    } catch {
      // The command no longer reads: what is typed now is for nobody.
    }
  }
}

async function forward(stream: SpdyStream, send: (data: Buffer) => Promise<void>): Promise<void> {
  for await (const data of stream.incoming) await send(data);
}

/** Since v4 the error channel carries a Status in any case; before, a text where the command failed. */
async function forwardStatus(error: SpdyStream, channels: Channels, protocol: string): Promise<void> {
  const parts: Buffer[] = [];
  for await (const data of error.incoming) parts.push(data);
  const status = Buffer.concat(parts);
  if (/^v[45]\./.test(protocol)) {
    if (status.length) await channels.send(channel.error, status);
    return;
  }
  const text = failureText(status);
  if (text) await channels.send(channel.error, Buffer.from(text));
}

function failureText(status: Buffer): string | undefined {
  try {
    const parsed = JSON.parse(status.toString()) as { status?: string; message?: string };
    return parsed.status === 'Success' ? undefined : (parsed.message ?? 'the command failed');
  } catch (error) {
    return `the runtime answered with no status: ${messageOf(error)}`;
  }
}
