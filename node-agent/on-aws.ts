import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { openProxyIdentity, type ProxyIdentity } from './api-proxy/authority.ts';
import { startApiProxy } from './api-proxy/index.ts';
import type { AgentConfig } from './config.ts';
import type { StreamGateway } from './gateway/index.ts';
import { startGatewayServer } from './gateway/server.ts';

/** What stands on a node in the place of a control plane that can be reached by its address. */
export async function serveAws(
  config: AgentConfig,
  parts: {
    gateway: StreamGateway | undefined;
    proxied: ProxyIdentity | undefined;
    authority: Buffer | undefined;
    log: Logger;
    signal: AbortSignal;
  },
): Promise<Promise<void>[]> {
  const { gateway, proxied, authority, log, signal } = parts;
  if (!gateway) return [];
  const stopped: Promise<void>[] = [];
  if (config.gatewayPort !== undefined) {
    const listening = { gateway, address: config.listenAddress, port: config.gatewayPort, log, signal };
    stopped.push((await startGatewayServer(listening)).stopped);
  }
  if (proxied && config.apiProxy) {
    const [address = '', port] = config.apiProxy.split(':');
    const { server } = config;
    const options = {
      address,
      port: Number(port),
      identity: proxied,
      server,
      ca: authority,
      gateway,
      log,
      signal,
    };
    stopped.push((await startApiProxy(options)).stopped);
  }
  return stopped;
}

/** Good for the address at which the proxy listens, and for the Service `kubernetes`: the first of each range. */
export function proxyIdentityOf(
  { stateDir, clusterDomain, serviceCidrs = [] }: AgentConfig,
  apiProxy: string,
  clock: Clock,
): Promise<ProxyIdentity> {
  const [address = ''] = apiProxy.split(':');
  const firsts = serviceCidrs.filter((cidr) => !cidr.includes(':')).map(firstOf);
  return openProxyIdentity(
    join(stateDir, 'api-proxy'),
    { clusterDomain, addresses: [address, ...firsts] },
    clock,
  );
}

function firstOf(cidr: string): string {
  return cidr.replace(/(\d+)\/\d+$/, (_, last: string) => String(Number(last) + 1));
}
