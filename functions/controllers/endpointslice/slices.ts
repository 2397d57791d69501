/** How the controllers of EndpointSlices find and remove theirs. */
import type { EndpointSlice } from '../../../lib/api/gen/types.ts';
import { joinKey, type Persisted } from '../../../lib/api/object.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { endpointSlices } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';

/** The keys of the Services whose slice this is, where it is this manager's: one, or none. */
export function servicesOfSlice(manager: string): (slice: EndpointSlice) => string[] {
  return ({ metadata: { namespace, labels } }) => {
    const name = labels?.[serviceNameLabel];
    return name && labels[managedByLabel] === manager ? [joinKey(namespace, name)] : [];
  };
}

export async function removeSlice(
  client: KubeClient,
  { metadata: { namespace, name, uid } }: Persisted<EndpointSlice>,
): Promise<void> {
  try {
    await client.delete(endpointSlices, { namespace, name }, { preconditions: { uid } });
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
  }
}
