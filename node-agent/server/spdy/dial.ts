import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { KumulusError } from '../../../lib/errors.ts';

/** An upgraded connection to the runtime's streaming server, and what came with its answer. */
export interface Upgraded {
  socket: Duplex;
  head: Buffer;
  response: IncomingMessage;
}

const dialTimeoutMs = 30_000;
const maxErrorBytes = 4096;

/**
 * Asks the runtime's streaming server for an upgrade to SPDY/3.1. The URL comes from the runtime itself; `protocols`
 * are the stream protocols that we take, in order of preference.
 */
export function dialRuntime(
  url: string,
  protocols: readonly string[],
  signal: AbortSignal,
): Promise<Upgraded> {
  const { promise, resolve, reject } = Promise.withResolvers<Upgraded>();
  const outgoing = request(url, {
    method: 'POST',
    agent: false,
    signal,
    timeout: dialTimeoutMs,
    headers: {
      connection: 'Upgrade',
      upgrade: 'SPDY/3.1',
      'content-length': '0',
      ...(protocols.length > 0 && { 'x-stream-protocol-version': [...protocols] }),
    },
  });
  outgoing.on('upgrade', (response, socket, head) => {
    socket.setTimeout(0);
    socket.setNoDelay(true);
    resolve({ socket, head, response });
  });
  outgoing.on('response', (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length < maxErrorBytes) text += chunk;
    });
    response.on('end', () =>
      reject(
        new KumulusError(
          'InternalError',
          `unable to upgrade connection: ${text.trim() || `the runtime answered ${response.statusCode}`}`,
        ),
      ),
    );
    response.on('error', reject);
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${dialTimeoutMs / 1000} s`)));
  outgoing.on('error', (error) =>
    reject(
      new KumulusError('InternalError', `error dialing the container runtime: ${error.message}`, {
        cause: error,
      }),
    ),
  );
  outgoing.end();
  return promise;
}
