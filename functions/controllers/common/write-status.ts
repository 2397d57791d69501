import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import type { KubeClient, Resource } from '../../../lib/client/port.ts';
import { semanticEqual } from './equal.ts';

/** Writes the status of an object where it says something else than before, on the revision that was read. */
export async function writeStatus<T extends KubeObject & { status?: unknown }>(
  client: KubeClient,
  resource: Resource<T>,
  object: Persisted<T>,
  status: T['status'],
): Promise<Persisted<T>> {
  if (semanticEqual(status, object.status)) return object;
  return client.update(resource, { ...object, status }, { subresource: 'status' });
}
