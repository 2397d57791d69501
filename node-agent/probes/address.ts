import { isIPv6 } from 'node:net';
import type { Container, IntOrString } from '../../lib/api/gen/types.ts';
import { KumulusError } from '../../lib/errors.ts';

/** A port by number, or by the name that the container gives it. */
export function resolvePort(port: IntOrString, container: Container): number {
  const number =
    typeof port === 'number' ? port : /^\d+$/.test(port) ? Number(port) : portNamed(port, container);
  if (number <= 0 || number > 65_535) throw new KumulusError('Invalid', `invalid port number: ${number}`);
  return number;
}

function portNamed(name: string, container: Container): number {
  const port = container.ports?.find((candidate) => candidate.name === name);
  if (!port) throw new KumulusError('NotFound', `couldn't find port: ${name}`);
  return port.containerPort;
}

export function joinHostPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A failed connection in the words that users of Kubernetes know (Go's). */
export function dialError(address: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'i/o timeout',
  };
  return `dial tcp ${address}: ${(code && words[code]) ?? message}`;
}
