import type { EndpointSlice, Service } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { services } from '../../../lib/client/resources.ts';
import { controllerOf, controllerReference } from '../common/owners.ts';
import { headlessLabel, isHeadless, triggerTimeAnnotation } from '../common/service-pods.ts';
import type { AddressType } from './endpoint.ts';
import type { Packing } from './pack.ts';
import { managedByLabel, serviceNameLabel } from './slices.ts';

export const manager = 'endpointslice-controller.k8s.io';
const ownLabels = new Set([serviceNameLabel, managedByLabel, headlessLabel]);
const notCopied = new Set([
  triggerTimeAnnotation,
  'endpoints.kubernetes.io/over-capacity',
  'control-plane.alpha.kubernetes.io/leader',
  'kubectl.kubernetes.io/last-applied-configuration',
]);

/** The labels of a Service's slices: its own, and those that clients find slices by. */
export function sliceLabels(service: Persisted<Service>): Record<string, string> {
  const own = Object.entries(service.metadata.labels ?? {}).filter(([key]) => !ownLabels.has(key));
  return {
    ...Object.fromEntries(own),
    ...(isHeadless(service) && { [headlessLabel]: '' }),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: manager,
  };
}

export function sliceAnnotations(
  service: Persisted<Service>,
  triggerTime: string | undefined,
): Record<string, string> {
  const own = Object.entries(service.metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key));
  return { ...Object.fromEntries(own), ...(triggerTime && { [triggerTimeAnnotation]: triggerTime }) };
}

/** Names are the server's to choose, from the Service's; too long ones are cut where the suffix needs the room. */
export function newSlice(
  service: Persisted<Service>,
  addressType: AddressType,
  content: Pick<EndpointSlice, 'ports' | 'endpoints'>,
): EndpointSlice {
  return {
    metadata: {
      generateName: `${service.metadata.name}-`,
      namespace: service.metadata.namespace,
      ownerReferences: [controllerReference(services, service)],
    },
    addressType,
    ...content,
  };
}

export interface SliceWrites {
  create: EndpointSlice[];
  update: Persisted<EndpointSlice>[];
  delete: Persisted<EndpointSlice>[];
  keep: Persisted<EndpointSlice>[];
}

/** The writes of a packing: a Service has at least one slice, and one that would go becomes one that would come. */
export function writesOf(
  service: Persisted<Service>,
  addressType: AddressType,
  packing: Packing,
): SliceWrites {
  const create = packing.create.map((content) => newSlice(service, addressType, content));
  const update: Persisted<EndpointSlice>[] = packing.update.map(({ slice, endpoints }) => ({
    ...slice,
    endpoints,
  }));
  const keep = [...packing.keep];
  let gone = [...packing.delete];
  if (create.length + update.length + keep.length === 0) {
    const placeholder = gone.find((slice) => !slice.ports?.length && !slice.endpoints?.length);
    if (placeholder) {
      keep.push(placeholder);
      gone = gone.filter((slice) => slice !== placeholder);
    } else {
      create.push(newSlice(service, addressType, { ports: [], endpoints: [] }));
    }
  }
  while (create.length > 0) {
    const at = gone.findIndex((slice) => controllerOf(slice)?.uid === service.metadata.uid);
    const [reused] = at < 0 ? [] : gone.splice(at, 1);
    if (!reused) break;
    const { ports, endpoints } = create.shift() as EndpointSlice;
    update.push({ ...reused, ports, endpoints: endpoints ?? [] });
  }
  return { create, update, delete: gone, keep };
}
