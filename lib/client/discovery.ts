import type { Discovery } from './port.ts';

/** One document, instead of a request a group version (KEP-3352). */
export const aggregatedDiscovery = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

interface DiscoveryList {
  items?: {
    metadata?: { name?: string };
    versions?: {
      version: string;
      freshness?: string;
      resources?: {
        resource: string;
        responseKind?: { kind?: string };
        scope: string;
        verbs?: string[];
      }[];
    }[];
  }[];
}

/** The resource types of `/api` and `/apis`, each in its group's preferred version. */
export function readDiscovery(lists: readonly DiscoveryList[]): Discovery {
  const discovery: Discovery = { resources: [], failures: [] };
  for (const { metadata, versions } of lists.flatMap((list) => list.items ?? [])) {
    const group = metadata?.name ?? '';
    const seen = new Set<string>();
    for (const { version, freshness, resources } of versions ?? []) {
      if (freshness === 'Stale') discovery.failures.push(`${group}/${version}: stale GroupVersion discovery`);
      for (const { resource: plural, responseKind, scope, verbs } of resources ?? []) {
        if (seen.has(plural) || !responseKind?.kind) continue;
        seen.add(plural);
        const namespaced = scope === 'Namespaced';
        discovery.resources.push({
          group,
          version,
          plural,
          kind: responseKind.kind,
          namespaced,
          verbs: verbs ?? [],
        });
      }
    }
  }
  return discovery;
}
