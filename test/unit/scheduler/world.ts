import type {
  Affinity,
  ContainerImage,
  ContainerPort,
  Node,
  Pod,
  Taint,
} from '../../../lib/api/gen/types.ts';
import { type KubeObject, keyOf, type Persisted } from '../../../lib/api/object.ts';
import type { ClusterObjects } from '../../../functions/scheduler/framework/cluster-objects.ts';
import type { PluginContext } from '../../../functions/scheduler/framework/plugin.ts';
import { ClusterState } from '../../../functions/scheduler/framework/snapshot.ts';
import type { Lister } from '../../../lib/client/lister.ts';
import { createInformers } from '../../../lib/client/informers.ts';
import { createKubeClient } from '../../../lib/client/kube-client.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';

const stamp = { creationTimestamp: '2026-01-01T00:00:00Z', resourceVersion: '1' };

export interface NodeSpecOf {
  labels?: Record<string, string>;
  taints?: Taint[];
  unschedulable?: boolean;
  allocatable?: Record<string, string>;
  images?: ContainerImage[];
}

export function nodeOf(name: string, spec: NodeSpecOf = {}): Persisted<Node> {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { ...stamp, name, uid: name, labels: { 'kubernetes.io/hostname': name, ...spec.labels } },
    spec: { taints: spec.taints, unschedulable: spec.unschedulable },
    status: {
      allocatable: spec.allocatable ?? { cpu: '4', memory: '8Gi', pods: '10' },
      ...(spec.images && { images: spec.images }),
    },
  };
}

export interface PodSpecOf {
  namespace?: string;
  labels?: Record<string, string>;
  requests?: Record<string, string>;
  image?: string;
  ports?: ContainerPort[];
  affinity?: Affinity;
  priority?: number;
  nodeName?: string;
  spec?: Partial<Pod['spec']>;
  status?: Pod['status'];
  deleted?: boolean;
}

export function podOf(name: string, of: PodSpecOf = {}): Persisted<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...stamp,
      name,
      uid: name,
      namespace: of.namespace ?? 'default',
      labels: of.labels,
      deletionTimestamp: of.deleted ? '2026-01-01T00:00:00Z' : undefined,
    },
    spec: {
      containers: [
        {
          name: 'main',
          image: of.image ?? 'busybox',
          ...(of.ports && { ports: of.ports }),
          resources: { requests: of.requests },
        },
      ],
      affinity: of.affinity,
      priority: of.priority,
      nodeName: of.nodeName,
      ...of.spec,
    },
    status: of.status,
  };
}

/** A plugin's surroundings, with nothing behind its client: what the plugins under test read is the snapshot. */
export function objectsOf(
  objects: Partial<Record<keyof ClusterObjects, Persisted<KubeObject>[]>> = {},
): ClusterObjects {
  const names: (keyof ClusterObjects)[] = [
    'claims',
    'volumes',
    'storageClasses',
    'csiNodes',
    'csiDrivers',
    'storageCapacities',
    'volumeAttachments',
    'resourceClaims',
    'resourceSlices',
    'deviceClasses',
    'budgets',
    'services',
    'replicationControllers',
    'replicaSets',
    'statefulSets',
  ];
  return Object.fromEntries(
    names.map((name) => [name, listerOf(objects[name] ?? [])]),
  ) as unknown as ClusterObjects;
}

/** What an informer shows; the list may be changed by whoever made it. */
function listerOf(items: Persisted<KubeObject>[]): Lister<KubeObject> {
  const valueOf = (index: string, object: KubeObject) => {
    const { spec } = object as { spec?: { storageClassName?: string; nodeName?: string } };
    return index === 'class' ? (spec?.storageClassName ?? '') : (spec?.nodeName ?? '');
  };
  return {
    resource: { group: '', version: 'v1', plural: '', kind: '', namespaced: true },
    get: (key) => items.find((item) => keyOf(item) === key),
    list: (namespace) => items.filter(({ metadata }) => !namespace || metadata.namespace === namespace),
    byIndex: (index, value) => items.filter((item) => valueOf(index, item) === value),
  };
}

export function contextOf(snapshot = new ClusterState(), objects = objectsOf()): PluginContext {
  const clock = createSteppedClock();
  const client = createKubeClient(() => Promise.reject(new Error('no request is expected')), { clock });
  return {
    client,
    informers: createInformers(client, { clock, log: silentLogger }),
    snapshot,
    objects,
    recorder: { event: () => undefined },
    clock,
    log: silentLogger,
    random: () => 0.5,
    profileName: 'default-scheduler',
    signal: new AbortController().signal,
    framework: {
      filterWithNominated: () => undefined,
      addPod: () => undefined,
      removePod: () => undefined,
      filtersByNodeAlone: () => false,
      nominatedPods: () => [],
      nominationsVersion: () => 0,
      podExists: () => true,
      activate: () => undefined,
      madeRoom: () => undefined,
      clearNomination: () => undefined,
      waitingPod: () => undefined,
    },
  };
}
