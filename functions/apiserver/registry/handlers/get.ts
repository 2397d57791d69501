import { notFound } from '../../../../lib/api/status.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { parseResourceVersion } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { keyFor } from '../storage.ts';
import { respondWith, representationOf } from './render.ts';

export async function handleGet(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const { namespace, name } = context.info;
  const wanted = parseResourceVersion(context.request.query.get('resourceVersion') ?? undefined);
  const freshness = wanted === undefined ? 'consistent' : wanted === 0 ? 'any' : { notOlderThan: wanted };
  const found = await backend.cache.get(entry.storage, keyFor(entry, namespace, name), { freshness });
  if (!found) throw notFound(entry.groupResource, name);
  return respondWith(context, entry, representation, found, backend.clock.now());
}
