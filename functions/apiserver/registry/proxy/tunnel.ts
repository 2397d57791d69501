import { request } from 'node:https';
import type { Socket } from 'node:net';

/** How the API server shows itself to the servers of nodes, and whom it believes there. PEM. Read for each connection. */
export interface NodeTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** @param client may be given another certificate and key while the server runs */
export function nodeTlsOf(ca: string, client: { certificate: string; key: string }): NodeTls {
  return {
    ca,
    get cert() {
      return client.certificate;
    },
    get key() {
      return client.key;
    },
  };
}

export interface TunnelRequest {
  /** Of the server of the node whose pod it is: `https://10.0.0.5:10250`. */
  through: string;
  /** `10.244.0.7:8080`, `[fd00::7]:8080` */
  to: string;
  tls: NodeTls;
  signal: AbortSignal;
  timeoutMs: number;
}

/**
 * A connection to a pod by way of its node (HTTP CONNECT, RFC 9110, 9.3.6). Pods' addresses mean something on the
 * nodes only: the API server is not on the cluster's network, be it a function or beside another cluster on one
 * machine; upstream reaches them alike where it is set up so (KEP-1281).
 *
 * @throws Error `dial tcp 10.244.0.7:8080: …`, in the node's words where it could not connect
 */
export function openTunnel({ through, to, tls, signal, timeoutMs }: TunnelRequest): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const failed = (why: string, cause?: unknown) => reject(new Error(`dial tcp ${to}: ${why}`, { cause }));
    const outgoing = request(through, { method: 'CONNECT', path: to, ...tls, signal, agent: false });
    outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error('i/o timeout')));
    outgoing.once('error', (error) => failed(error.message, error));
    outgoing.once('connect', ({ statusCode, headers }, socket: Socket, head: Buffer) => {
      socket.setTimeout(0);
      if (statusCode !== 200) {
        socket.destroy();
        const { 'x-reason': reason } = headers;
        failed(typeof reason === 'string' ? reason : `the node answered ${statusCode}`);
        return;
      }
      if (head.byteLength > 0) socket.unshift(head);
      resolve(socket);
    });
    outgoing.end();
  });
}
