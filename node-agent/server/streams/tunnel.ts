import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { destroySoon, splice } from '../../../lib/http/splice.ts';
import type { Upgraded } from '../spdy/dial.ts';
import { bytesOf } from './channels.ts';

/** Joins two upgraded connections, the runtime's answer to the upgrade first. */
export function spliceUpgrade(client: Duplex, clientHead: Buffer, runtime: Upgraded): Promise<void> {
  const { socket, head, response } = runtime;
  client.write(upgradeAnswer(response));
  if (head.length) client.write(head);
  if (clientHead.length) socket.write(clientHead);
  return splice(client, socket);
}

/** Joins the messages of a WebSocket with the bytes of a connection: one stream of bytes, however it is cut. */
export async function tunnelThrough(client: WebSocket, runtime: Upgraded): Promise<void> {
  const { socket, head } = runtime;
  client.on('message', (raw) => {
    if (socket.write(bytesOf(raw))) return;
    client.pause();
    socket.once('drain', () => client.resume());
  });
  client.on('close', () => destroySoon(socket));
  client.on('error', () => client.terminate());
  const send = (data: Buffer) =>
    new Promise<void>((resolve, reject) => client.send(data, (error) => (error ? reject(error) : resolve())));
  try {
    if (head.length) await send(head);
    for await (const chunk of socket as AsyncIterable<Buffer>) await send(chunk);
  } catch {
    // One of the two is gone: so is the other then.
  }
  client.close(1000);
  socket.destroy();
}

function upgradeAnswer(response: IncomingMessage): string {
  const lines = ['HTTP/1.1 101 Switching Protocols'];
  for (let i = 0; i < response.rawHeaders.length; i += 2) {
    lines.push(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
