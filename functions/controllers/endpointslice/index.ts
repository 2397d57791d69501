import type { Endpoint, EndpointSlice, Node, Pod, Service } from '../../../lib/api/gen/types.ts';
import { joinKey, keyOf, type Persisted } from '../../../lib/api/object.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import { endpointSlices, nodes, pods, services } from '../../../lib/client/resources.ts';
import { messageOf } from '../../../lib/errors.ts';
import { sameMap, semanticEqual } from '../common/equal.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import {
  isEndpoint,
  podsOf,
  selectsPods,
  servicesConcerned,
  triggerTime,
  triggerTimeAnnotation,
} from '../common/service-pods.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import { without } from '../common/without.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';
import { manager, sliceAnnotations, sliceLabels, writesOf } from './desired.ts';
import { type AddressType, addressTypesOf, endpointOf, endpointPortsOf } from './endpoint.ts';
import { withDistribution, withHints } from './hints.ts';
import { identity, type PortGroup, pack, portsKey } from './pack.ts';
import { removeSlice, servicesOfSlice } from './slices.ts';
import { allotZones, topologyOf, wantsTopology, zoneShares } from './topology.ts';

const byService = 'service';
const servicesOf = servicesOfSlice(manager);

/** Keeps the EndpointSlices of Services with a selector. */
export const endpointSliceController: ControllerEntry = {
  name: 'endpointslice',
  component: 'endpoint-slice-controller',
  create,
};

function create({ client, lister, recorder }: ControllerContext): Controller {
  const allServices = lister(services);
  const allPods = lister(pods);
  const allNodes = lister(nodes);
  const slices = lister(endpointSlices, {
    indexers: { [byService]: servicesOf },
  });

  /** `missing` are nodes that pods stand on and that do not exist (any more). */
  function groupsOf(
    service: Persisted<Service>,
    its: readonly Persisted<Pod>[],
    addressType: AddressType,
    missing: Set<string>,
  ): PortGroup[] {
    const groups = new Map<string, PortGroup>();
    const distribution = wantsTopology(service.metadata.annotations)
      ? undefined
      : service.spec?.trafficDistribution;
    for (const pod of its) {
      const node = pod.spec.nodeName ? allNodes.get(pod.spec.nodeName) : undefined;
      if (pod.spec.nodeName && !node && !service.spec?.publishNotReadyAddresses) {
        missing.add(
          `skipping Pod ${pod.metadata.name} for Service ${joinKey(service.metadata.namespace, service.metadata.name)}: Node ${pod.spec.nodeName} Not Found`,
        );
        continue;
      }
      const endpoint = endpointOf(service, pod, node, addressType);
      if (!endpoint) continue;
      const ports = endpointPortsOf(service, pod);
      const key = portsKey(ports);
      const group = groups.get(key);
      const hinted = withDistribution(endpoint, distribution);
      if (group) group.endpoints.push(hinted);
      else groups.set(key, { ports, endpoints: [hinted] });
    }
    return [...groups.values()];
  }

  async function write(
    service: Persisted<Service>,
    its: readonly Persisted<Pod>[],
    existing: readonly Persisted<EndpointSlice>[],
    missing: Set<string>,
  ): Promise<void> {
    const labels = sliceLabels(service);
    const previous = existing
      .map((slice) => slice.metadata.annotations?.[triggerTimeAnnotation] ?? '')
      .sort()
      .at(-1);
    const trigger = triggerTime(service, its, previous || undefined);
    const supported = addressTypesOf(service);
    const dressed = <S extends EndpointSlice>(slice: S): S => ({
      ...slice,
      metadata: { ...slice.metadata, labels, annotations: sliceAnnotations(service, trigger) },
    });
    for (const slice of existing.filter(
      ({ addressType }) => !supported.includes(addressType as AddressType),
    )) {
      await removeSlice(client, slice);
    }
    for (const addressType of supported) {
      const own = existing.filter(
        (slice) => slice.addressType === addressType && !slice.metadata.deletionTimestamp,
      );
      const { groups, tell } = withTopology(
        service,
        addressType,
        groupsOf(service, its, addressType, missing),
        own,
      );
      const writes = writesOf(service, addressType, pack(groups, own));
      if (writes.create.length + writes.update.length > 0) tell();
      if (!service.metadata.deletionTimestamp) {
        for (const slice of writes.create) await client.create(endpointSlices, dressed(slice));
      }
      const outdated = writes.keep.filter((slice) => !isDressed(slice, labels, service));
      for (const slice of [...writes.update, ...outdated])
        await client.update(endpointSlices, dressed(slice));
      for (const slice of writes.delete) await removeSlice(client, slice);
    }
  }

  /** The zones that endpoints are for, where the Service asks for that, and what there is to tell of it when it changes. */
  function withTopology(
    service: Persisted<Service>,
    addressType: AddressType,
    groups: PortGroup[],
    own: readonly Persisted<EndpointSlice>[],
  ): { groups: PortGroup[]; tell: () => void } {
    const say = (type: 'Normal' | 'Warning', state: 'Enabled' | 'Disabled', what: string) =>
      recorder.event(service, type, `TopologyAwareHints${state}`, `${what}, addressType: ${addressType}`);
    const hintsBefore = new Map(
      own
        .flatMap(({ endpoints = [] }) => endpoints)
        .flatMap((one) => (one.hints?.forZones?.[0] ? [[identity(one), one.hints.forZones[0].name]] : [])),
    );
    const wasWanted = hintsBefore.size > 0 && own.some(({ metadata }) => wantsTopology(metadata.annotations));
    if (!wantsTopology(service.metadata.annotations)) {
      const disabled = 'Topology Aware Hints has been disabled';
      return { groups, tell: () => wasWanted && say('Warning', 'Disabled', disabled) };
    }
    const allotment = allotZones(
      groups.flatMap(({ endpoints }) => endpoints),
      zoneShares(allNodes.list()),
      (endpoint) => hintsBefore.get(identity(endpoint)),
    );
    if ('problem' in allotment) return { groups, tell: () => say('Warning', 'Disabled', allotment.problem) };
    const hinted = (endpoint: Endpoint): Endpoint => {
      const name = allotment.zones.get(endpoint);
      return name === undefined ? endpoint : withHints(endpoint, { forZones: [{ name }] });
    };
    return {
      groups: groups.map(({ ports, endpoints }) => ({ ports, endpoints: endpoints.map(hinted) })),
      tell: () => wasWanted || say('Normal', 'Enabled', 'Topology Aware Hints has been enabled'),
    };
  }

  function isDressed(
    { metadata }: EndpointSlice,
    labels: Record<string, string>,
    service: Persisted<Service>,
  ): boolean {
    const annotations = without(metadata.annotations, triggerTimeAnnotation);
    return sameMap(metadata.labels, labels) && sameMap(annotations, sliceAnnotations(service, undefined));
  }

  /** Those that show the zone of the node's pods. */
  function servicesOn({ before, after }: ObjectChange<Node>): string[] {
    const zone = 'topology.kubernetes.io/zone';
    if (before && after && before.metadata.labels?.[zone] === after.metadata.labels?.[zone]) return [];
    const name = (after ?? before)?.metadata.name;
    return allPods
      .list()
      .filter((pod) => pod.spec.nodeName === name)
      .flatMap((pod) => servicesConcerned({ before: undefined, after: pod }, allServices));
  }

  /** Those whose endpoints are spread by what zones have. */
  function servicesByTopology({ before, after }: ObjectChange<Node>): string[] {
    if (semanticEqual(before && topologyOf(before), after && topologyOf(after))) return [];
    return allServices
      .list()
      .filter(({ metadata }) => wantsTopology(metadata.annotations))
      .map(keyOf);
  }

  async function reconcile(key: string): Promise<Result> {
    const service = allServices.get(key);
    // The slices of a Service that is gone are the garbage collector's.
    if (!service || !selectsPods(service)) return done;
    const its = podsOf(service, allPods).filter((pod) => isEndpoint(pod, true));
    const missing = new Set<string>();
    try {
      await write(service, its, slices.byIndex(byService, key), missing);
    } catch (error) {
      if (isNamespaceTerminating(error)) return done;
      recorder.event(
        service,
        'Warning',
        'FailedToUpdateEndpointSlices',
        `Error updating Endpoint Slices for Service ${key}: ${messageOf(error)}`,
      );
      throw error;
    }
    // A node that comes brings its pods' Services back by itself (see the watches).
    for (const message of missing)
      recorder.event(
        service,
        'Warning',
        'FailedToUpdateEndpointSlices',
        `Error updating Endpoint Slices for Service ${key}: ${message}`,
      );
    return done;
  }

  return {
    name: 'endpointslice',
    watches: [
      watchOf(services, ownKey),
      watchOf(pods, (change) => servicesConcerned(change, allServices)),
      watchOf(endpointSlices, ({ before, after }) =>
        [before, after].flatMap((slice) => (slice ? servicesOf(slice) : [])),
      ),
      watchOf(nodes, (change) => [...servicesOn(change), ...servicesByTopology(change)]),
    ],
    reconcile,
  };
}
