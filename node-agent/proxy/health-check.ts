import { createServer, type Server } from 'node:http';
import type { EndpointSlice, Service } from '../../lib/api/gen/types.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';

/** What a load balancer asks each node: whether it has endpoints of a Service that wants its own node's only. */
interface HealthCheck {
  namespace: string;
  name: string;
  port: number;
  localEndpoints: number;
}

/** `spec.healthCheckNodePort` of Services of type LoadBalancer with externalTrafficPolicy Local. */
export function healthChecks(
  states: Iterable<{ service: Service; slices: readonly EndpointSlice[] }>,
  nodeName: string,
): HealthCheck[] {
  const checks: HealthCheck[] = [];
  for (const { service, slices } of states) {
    const { spec, metadata } = service;
    if (spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local' || !spec.healthCheckNodePort)
      continue;
    const local = new Set<string>();
    for (const slice of slices) {
      for (const endpoint of slice.endpoints ?? []) {
        if (endpoint.nodeName === nodeName && (endpoint.conditions?.ready ?? true))
          for (const address of endpoint.addresses) local.add(address);
      }
    }
    checks.push({
      namespace: metadata.namespace ?? '',
      name: metadata.name ?? '',
      port: spec.healthCheckNodePort,
      localEndpoints: local.size,
    });
  }
  return checks;
}

/** The HTTP servers that answer the checks, one a port, on the addresses of the node. */
export class HealthCheckServers {
  readonly #addresses: readonly string[];
  readonly #isHealthy: () => boolean;
  readonly #log: Logger;
  readonly #listening = new Map<number, { check: HealthCheck; servers: Server[] }>();

  constructor(addresses: readonly string[], isHealthy: () => boolean, log: Logger) {
    this.#addresses = addresses;
    this.#isHealthy = isHealthy;
    this.#log = log;
  }

  /** A port that cannot be listened on is logged and tried again with the next update. */
  update(checks: readonly HealthCheck[]): void {
    const wanted = new Map(checks.map((check) => [check.port, check]));
    for (const [port, { servers }] of this.#listening) {
      if (wanted.has(port)) continue;
      for (const server of servers) closeServer(server);
      this.#listening.delete(port);
    }
    for (const [port, check] of wanted) {
      const entry = this.#listening.get(port);
      if (entry) entry.check = check;
      else this.#listen(port, check);
    }
  }

  close(): void {
    this.update([]);
  }

  #listen(port: number, check: HealthCheck): void {
    const entry = { check, servers: [] as Server[] };
    this.#listening.set(port, entry);
    for (const address of this.#addresses) {
      const server = createServer(
        { requestTimeout: 10_000, headersTimeout: 10_000 },
        (_request, response) => {
          const { namespace, name, localEndpoints } = entry.check;
          const serviceProxyHealthy = this.#isHealthy();
          response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
            'content-type': 'application/json',
            'x-content-type-options': 'nosniff',
            'x-load-balancing-endpoint-weight': String(localEndpoints),
          });
          response.end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }));
        },
      );
      server.on('error', (error) => {
        this.#log.warn({ address, port, error: messageOf(error) }, 'health check node port does not listen');
        closeServer(server);
        if (this.#listening.get(port) === entry) this.#listening.delete(port);
      });
      server.listen(port, address);
      entry.servers.push(server);
    }
  }
}

function closeServer(server: Server): void {
  server.close();
  server.closeAllConnections();
}
