import type { NodeContext, ProxyEndpoint, ServicePort } from './types.ts';

export interface Categorized {
  /** Used by the policy Cluster. */
  cluster: ProxyEndpoint[];
  /** Used by the policy Local. */
  local: ProxyEndpoint[];
  /** Every endpoint that traffic on this node can come to, each once. */
  reachable: ProxyEndpoint[];
  /** Whether any node has a usable endpoint. */
  any: boolean;
}

/**
 * Sorts a port's endpoints by the traffic policies that it has. Endpoints that terminate but still serve are used
 * where no ready one is left (KEP-1669, KEP-1672), separately for each policy; hints of the EndpointSlice (KEP-2433,
 * KEP-3015) narrow the policy Cluster only.
 */
export function categorize(
  port: ServicePort,
  endpoints: readonly ProxyEndpoint[],
  node: NodeContext,
): Categorized {
  // With the external policy Local, the node's own and its pods' traffic still goes to every endpoint.
  const usesCluster = !port.internalPolicyLocal || isExternal(port);
  const usesLocal = port.internalPolicyLocal || (port.externalPolicyLocal && isExternal(port));
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const draining = endpoints.filter(
    (endpoint) => !endpoint.ready && endpoint.serving && endpoint.terminating,
  );
  const any = ready.length > 0 || draining.length > 0;
  const cluster = !usesCluster ? [] : ready.length > 0 ? hinted(ready, node) : draining;
  const localReady = ready.filter((endpoint) => endpoint.isLocal);
  const local = usesLocal
    ? localReady.length > 0
      ? localReady
      : draining.filter((endpoint) => endpoint.isLocal)
    : [];
  return { cluster, local, reachable: [...new Set([...cluster, ...local])], any };
}

export function isExternal(port: ServicePort): boolean {
  return port.nodePort !== 0 || port.externalIps.length > 0 || port.loadBalancerIps.length > 0;
}

/** Hints count only where every ready endpoint has one and one of them is for this node, or else its zone. */
function hinted(ready: ProxyEndpoint[], node: NodeContext): ProxyEndpoint[] {
  if (ready.every((endpoint) => endpoint.forNodes.length > 0)) {
    const own = ready.filter((endpoint) => endpoint.forNodes.includes(node.nodeName));
    if (own.length > 0) return own;
  }
  const { zone } = node;
  if (zone !== undefined && ready.every((endpoint) => endpoint.forZones.length > 0)) {
    const own = ready.filter((endpoint) => endpoint.forZones.includes(zone));
    if (own.length > 0) return own;
  }
  return ready;
}
