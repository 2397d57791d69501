/** Which node or zone an endpoint is for first: `spec.trafficDistribution` (KEP-4444, KEP-3015). */
import type { Endpoint, EndpointHints } from '../../../lib/api/gen/types.ts';

const zonal = new Set(['PreferClose', 'PreferSameZone', 'PreferSameNode']);

export function withDistribution(endpoint: Endpoint, distribution: string | undefined): Endpoint {
  if (!isReady(endpoint) || distribution === undefined || !zonal.has(distribution)) return endpoint;
  const { zone, nodeName } = endpoint;
  const forNodes = distribution === 'PreferSameNode' && nodeName ? [{ name: nodeName }] : undefined;
  if (!zone && !forNodes) return endpoint;
  return withHints(endpoint, { ...(forNodes && { forNodes }), ...(zone && { forZones: [{ name: zone }] }) });
}

export function withHints(endpoint: Endpoint, hints: EndpointHints): Endpoint {
  return { ...endpoint, hints };
}

export function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready === true;
}
