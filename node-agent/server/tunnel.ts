import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { KumulusError } from '../../lib/errors.ts';
import type { PodLookup } from '../pods/lookup.ts';

const dialTimeoutMs = 10_000;

/** Where `CONNECT 10.244.0.7:8080` leads. Throws `BadRequest`, and `NotFound` for what is no pod of this node. */
export function tunnelTarget(lookup: PodLookup, authority: string): { host: string; port: number } {
  const [, ipv6, ipv4, digits] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(authority) ?? [];
  const host = ipv6 ?? ipv4;
  const port = Number(digits);
  if (!host || port < 1 || port > 65_535) {
    throw new KumulusError(
      'BadRequest',
      `CONNECT: Invalid value: ${JSON.stringify(authority)}: must be address:port`,
    );
  }
  const isOurs = lookup.pods().some(({ status }) => status?.podIPs?.some(({ ip }) => ip === host));
  if (!isOurs) throw new KumulusError('NotFound', `no pod of this node has the address ${host}`);
  return { host, port };
}

/** Joins the client's connection and the pod's, until both have ended; an end on one side is passed on. */
export function serveTunnel(target: { host: string; port: number }, client: Duplex, head: Buffer): void {
  const pod = connect({ ...target, noDelay: true });
  const timer = setTimeout(() => pod.destroy(new Error('i/o timeout')), dialTimeoutMs);
  let isOpen = false;
  pod.once('connect', () => {
    clearTimeout(timer);
    isOpen = true;
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.byteLength > 0) pod.write(head);
    client.pipe(pod);
    pod.pipe(client);
  });
  pod.on('error', (error: NodeJS.ErrnoException) => {
    if (isOpen) client.destroy();
    else client.end(`HTTP/1.1 502 Bad Gateway\r\nx-reason: ${reason(error)}\r\ncontent-length: 0\r\n\r\n`);
  });
  pod.once('close', () => {
    clearTimeout(timer);
    if (isOpen) client.end();
  });
  client.once('close', () => pod.destroySoon());
}

/** In the words of a dialer in Go, which clients of the API know. */
function reason({ code, message }: NodeJS.ErrnoException): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
  };
  return words[code ?? ''] ?? message.replaceAll(/[^\x20-\x7e]/g, ' ');
}
