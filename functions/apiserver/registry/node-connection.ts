import { request } from 'node:https';
import { Agent } from 'node:https';
import type { Node } from '../../../lib/api/gen/types.ts';
import { passedOn, serviceUnavailable } from '../../../lib/api/status.ts';
import { dialFailure } from './proxy/dial-failure.ts';
import { createProxyTransport, type ProxyTransport } from './proxy/send.ts';
import type { NodeTls } from './proxy/tunnel.ts';

/** How the API server reaches the servers of nodes (`--kubelet-client-certificate`). */
export interface NodeConnection extends ProxyTransport {
  get(url: string, signal: AbortSignal): Promise<NodeAnswer>;
}

export interface NodeAnswer {
  status: number;
  contentType: string;
  body: AsyncIterable<Uint8Array>;
}

const dialTimeoutMs = 10_000;

export function createNodeConnection(tls: NodeTls): NodeConnection {
  const agent = new Agent({ keepAlive: true });
  const transport = createProxyTransport(tls);
  const get = (url: string, signal: AbortSignal, through: Agent | false): Promise<NodeAnswer> =>
    new Promise((resolve, reject) => {
      let isAnswered = false;
      const outgoing = request(url, { agent: through, signal, ...tls }, (response) => {
        isAnswered = true;
        outgoing.setTimeout(0);
        resolve({
          status: response.statusCode ?? 502,
          contentType: response.headers['content-type'] ?? 'text/plain',
          body: response,
        });
      });
      outgoing.setTimeout(dialTimeoutMs, () =>
        outgoing.destroy(new Error(`dial tcp ${new URL(url).host}: i/o timeout`)),
      );
      outgoing.once('error', (error: NodeJS.ErrnoException) => {
        // The node has closed the idle connection just then: asked once more on a new one, as Go's transport does.
        if (outgoing.reusedSocket && error.code === 'ECONNRESET' && !isAnswered) {
          resolve(get(url, signal, false));
          return;
        }
        const why = dialFailure(error, new URL(url).host);
        reject(passedOn(`Get ${JSON.stringify(url)}: ${why}`, error));
      });
      outgoing.end();
    });
  return {
    send: (outgoing) => transport.send(outgoing),
    get: (url, signal) => get(url, signal, agent),
    close() {
      agent.destroy();
      transport.close();
    },
  };
}

/** `https://10.0.0.5:10250`, by the address that kube-apiserver prefers when it runs as `kubeadm` sets it up. */
export function nodeServerUrl(node: Node): string {
  const addresses = node.status?.addresses ?? [];
  const address = ['InternalIP', 'ExternalIP', 'Hostname']
    .map((type) => addresses.find((one) => one.type === type)?.address)
    .find(Boolean);
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (!address)
    throw serviceUnavailable(
      `no preferred addresses found for node "${node.metadata.name}"; known addresses: []`,
    );
  return `https://${address.includes(':') ? `[${address}]` : address}:${port ?? 10250}`;
}
