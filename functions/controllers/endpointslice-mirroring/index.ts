import type {
  Endpoint,
  EndpointAddress,
  EndpointSlice,
  Endpoints,
  Service,
} from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { endpointSlices, endpoints, services } from '../../../lib/client/resources.ts';
import { sameMap } from '../common/equal.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import { controllerReference } from '../common/owners.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import { without } from '../common/without.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';
import type { AddressType } from '../endpointslice/endpoint.ts';
import { type PortGroup, pack, portsKey } from '../endpointslice/pack.ts';
import { managedByLabel, removeSlice, serviceNameLabel, servicesOfSlice } from '../endpointslice/slices.ts';

const manager = 'endpointslicemirroring-controller.k8s.io';
const skipMirrorLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
/** kube-controller-manager's default of `--mirroring-max-endpoints-per-subset`. */
const maxPerSubset = 1_000;
const byService = 'mirror of service';
const servicesOf = servicesOfSlice(manager);

/** Mirrors Endpoints that a user keeps for a Service without a selector into slices (KEP-0752). */
export const endpointSliceMirroringController: ControllerEntry = {
  name: 'endpointslice-mirroring',
  component: 'endpoint-slice-mirroring-controller',
  create,
};

function create({ client, lister }: ControllerContext): Controller {
  const allServices = lister(services);
  const all = lister(endpoints);
  const slices = lister(endpointSlices, {
    indexers: { [byService]: servicesOf },
  });

  async function write(
    source: Persisted<Endpoints>,
    existing: readonly Persisted<EndpointSlice>[],
  ): Promise<void> {
    const labels = labelsOf(source);
    const annotations = annotationsOf(source);
    const dressed = <S extends EndpointSlice>(slice: S): S => ({
      ...slice,
      metadata: { ...slice.metadata, labels, annotations },
    });
    for (const addressType of ['IPv4', 'IPv6'] as const) {
      const own = existing.filter((slice) => slice.addressType === addressType);
      const packing = pack(groupsOf(source, addressType), own);
      for (const content of packing.create) {
        const { namespace, name } = source.metadata;
        const ownerReferences = [controllerReference(endpoints, source)];
        const metadata = { generateName: `${name}-`, namespace, ownerReferences };
        await client.create(endpointSlices, dressed({ metadata, addressType, ...content }));
      }
      const outdated = packing.keep.filter(
        ({ metadata }) => !sameMap(metadata.labels, labels) || !sameMap(metadata.annotations, annotations),
      );
      const updates = packing.update.map((update) => ({ ...update.slice, endpoints: update.endpoints }));
      for (const slice of [...updates, ...outdated]) await client.update(endpointSlices, dressed(slice));
      for (const slice of packing.delete) await removeSlice(client, slice);
    }
  }

  async function reconcile(key: string): Promise<Result> {
    const source = all.get(key);
    const service = allServices.get(key);
    const existing = slices.byIndex(byService, key);
    if (!source || !isMirrored(source) || !service || hasSelector(service)) {
      for (const slice of existing) await removeSlice(client, slice);
      return done;
    }
    try {
      await write(source, existing);
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
    }
    return done;
  }

  return {
    name: 'endpointslice-mirroring',
    watches: [
      watchOf(endpoints, ownKey),
      watchOf(services, ownKey),
      watchOf(endpointSlices, ({ before, after }) =>
        [before, after].flatMap((slice) => (slice ? servicesOf(slice) : [])),
      ),
    ],
    reconcile,
  };
}

function hasSelector({ spec }: Service): boolean {
  return Object.keys(spec?.selector ?? {}).length > 0;
}

function isMirrored({ metadata }: Endpoints): boolean {
  return (
    metadata.labels?.[skipMirrorLabel] !== 'true' && metadata.annotations?.[leaderAnnotation] === undefined
  );
}

function labelsOf({ metadata }: Persisted<Endpoints>): Record<string, string> {
  return {
    ...without(metadata.labels, managedByLabel, serviceNameLabel),
    [serviceNameLabel]: metadata.name,
    [managedByLabel]: manager,
  };
}

function annotationsOf({ metadata }: Persisted<Endpoints>): Record<string, string> {
  return without(metadata.annotations, 'kubectl.kubernetes.io/last-applied-configuration');
}

function groupsOf({ subsets }: Endpoints, addressType: AddressType): PortGroup[] {
  const groups = new Map<string, PortGroup>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets ?? []) {
    const mirrored = [
      ...addresses.map((address) => endpointOf(address, true)),
      ...notReadyAddresses.map((address) => endpointOf(address, false)),
    ]
      .slice(0, maxPerSubset)
      .filter((endpoint) => endpoint.addresses[0]?.includes(':') === (addressType === 'IPv6'));
    if (mirrored.length === 0) continue;
    const own = ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      ...(appProtocol && { appProtocol }),
      name,
      port,
      protocol,
    }));
    const group = groups.get(portsKey(own));
    if (group) group.endpoints.push(...mirrored);
    else groups.set(portsKey(own), { ports: own, endpoints: mirrored });
  }
  return [...groups.values()];
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef }),
  };
}
