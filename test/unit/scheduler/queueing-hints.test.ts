import { describe, expect, it } from 'vitest';
import type { EventAction, EventResource } from '../../../functions/scheduler/framework/events.ts';
import { podInfoOf } from '../../../functions/scheduler/framework/pod-info.ts';
import { ClusterState } from '../../../functions/scheduler/framework/snapshot.ts';
import { builtInPlugins } from '../../../functions/scheduler/plugins/registry.ts';
import type {
  Affinity,
  CSINode,
  Namespace,
  Pod,
  ResourceV1ResourceClaim,
} from '../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import { contextOf, nodeOf, podOf } from './world.ts';

/** What becomes of a pod that the plugin has turned down: whether the change has it tried again. */
interface Case {
  name: string;
  plugin: string;
  args?: Record<string, unknown>;
  pod: Persisted<Pod>;
  resource: EventResource;
  action: EventAction;
  before?: Persisted<KubeObject>;
  after?: Persisted<KubeObject>;
  /** Pods on nodes. */
  there?: Persisted<Pod>[];
  tried: boolean;
}

const metadata = { uid: 'one', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const selector = { matchLabels: { app: 'web' } };
const zone = 'topology.kubernetes.io/zone';
const inZone = (name: string) => nodeOf('node-0', { labels: { [zone]: name } });
const noZone = nodeOf('node-0');
const web = (name: string, labels: Record<string, string> = { app: 'web' }, deleted = false) =>
  podOf(name, { labels, nodeName: 'node-0', deleted });
const required = (kind: 'podAffinity' | 'podAntiAffinity', namespaceSelector?: object): Affinity => ({
  [kind]: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      {
        topologyKey: zone,
        labelSelector: selector,
        ...(namespaceSelector && { namespaceSelector }),
      },
    ],
  },
});
const wants = podOf('wants', { affinity: required('podAffinity') });
const shuns = podOf('shuns', { affinity: required('podAntiAffinity') });
const plainWeb = podOf('plain', { labels: { app: 'web' } });
const shunnedBy = podOf('there', { affinity: required('podAntiAffinity'), nodeName: 'node-9' });
const teamSelector = { matchLabels: { team: 'a' } };
const namespace = (name: string, labels: Record<string, string>): Persisted<KubeObject> => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { ...metadata, name, labels },
});
const spread = podOf('spread', {
  labels: { app: 'web' },
  spec: {
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: selector },
    ],
  },
});
const spreadByTaints = podOf('spread', {
  spec: {
    tolerations: [{ operator: 'Exists' }],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: zone,
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: selector,
        nodeTaintsPolicy: 'Honor',
      },
    ],
  },
});
const port = (hostIP?: string, protocol = 'TCP', hostPort = 8080) =>
  podOf('port', { ports: [{ containerPort: 80, hostPort, protocol, ...(hostIP && { hostIP }) }] });
const taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' } as const;
const tainted = nodeOf('node-0', { taints: [taint] });
const cordoned = nodeOf('node-0', { unschedulable: true });
const cordonToleration = podOf('pod', {
  spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
});
const anotherToleration = podOf('pod', { spec: { tolerations: [{ key: 'other', operator: 'Exists' }] } });
const picky = podOf('picky', { spec: { nodeSelector: { disk: 'fast' } } });
const disk = (value: string) => nodeOf('node-0', { labels: { disk: value } });
const hungry = podOf('hungry', { requests: { cpu: '2' } });
const sized = (cpu: string, memory = '8Gi', pods = '10') =>
  nodeOf('node-0', { allocatable: { cpu, memory, pods } });
const csiNode = (count?: number): Persisted<CSINode> => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSINode',
  metadata: { ...metadata, name: 'node-0' },
  spec: {
    drivers: [{ name: 'csi', nodeID: 'node-0', ...(count !== undefined && { allocatable: { count } }) }],
  },
});
const withClaim = podOf('pod', {
  spec: {
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }],
  },
});
const volumeClaim: Persisted<KubeObject> = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { ...metadata, name: 'data', namespace: 'default' },
};
const deviceClaim = (
  status: ResourceV1ResourceClaim['status'],
  finalizers?: string[],
): Persisted<ResourceV1ResourceClaim> => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { ...metadata, name: 'gpu', namespace: 'default', ...(finalizers && { finalizers }) },
  spec: {},
  ...(status && { status }),
});

const node = (action: EventAction) => ({ resource: 'Node' as const, action });
const assigned = (action: EventAction) => ({ resource: 'AssignedPod' as const, action });
const own = (action: EventAction) => ({ resource: 'Pod' as const, action });
const ofNamespace = { resource: 'Namespace' as const, action: 'Update' as const };

const affinity = { plugin: 'InterPodAffinity' };
const spreading = { plugin: 'PodTopologySpread' };
const ports = { plugin: 'NodePorts', ...assigned('Delete') };
const fit = { plugin: 'NodeResourcesFit', pod: hungry, ...node('UpdateNodeAllocatable') };
const taints = { plugin: 'TaintToleration', ...node('UpdateNodeTaint') };
const cordons = { plugin: 'NodeUnschedulable' };
const labels = { plugin: 'NodeAffinity', pod: picky, ...node('UpdateNodeLabel') };
const limits = { plugin: 'NodeVolumeLimits', pod: withClaim, resource: 'CSINode' as const };

// biome-ignore format: one line a case reads as the table that it is
const cases: Case[] = [
  { name: 'a new node in a domain of a wanted term', ...affinity, pod: wants, ...node('Add'), after: inZone('a'), tried: true },
  { name: 'a new node outside the domains of wanted terms', ...affinity, pod: wants, ...node('Add'), after: noZone, tried: false },
  { name: 'a node that comes into a domain', ...affinity, pod: wants, ...node('UpdateNodeLabel'), before: noZone, after: inZone('a'), tried: true },
  { name: 'a node that changes its domain', ...affinity, pod: wants, ...node('UpdateNodeLabel'), before: inZone('a'), after: inZone('b'), tried: true },
  { name: 'a node that stays in its domain', ...affinity, pod: wants, ...node('UpdateNodeLabel'), before: inZone('a'), after: inZone('a'), tried: false },
  { name: 'a node that leaves the domain of a wanted term', ...affinity, pod: wants, ...node('UpdateNodeLabel'), before: inZone('a'), after: noZone, tried: false },
  { name: 'a new node, whatever its domain, for an anti-affinity', ...affinity, pod: shuns, ...node('Add'), after: noZone, tried: true },
  { name: 'a node that leaves the domain of a shunned term', ...affinity, pod: shuns, ...node('UpdateNodeLabel'), before: inZone('a'), after: noZone, tried: true },
  { name: 'a node that comes into the domain of a shunned term', ...affinity, pod: shuns, ...node('UpdateNodeLabel'), before: noZone, after: inZone('a'), tried: false },
  { name: 'a new node for a pod that others shun', ...affinity, pod: plainWeb, there: [shunnedBy], ...node('Add'), after: inZone('a'), tried: true },
  { name: 'a new node for a pod that nobody shuns', ...affinity, pod: plainWeb, ...node('Add'), after: inZone('a'), tried: false },
  { name: 'a namespace that a wanted term comes to select', ...affinity, pod: podOf('pod', { affinity: required('podAffinity', teamSelector) }), ...ofNamespace, before: namespace('other', {}), after: namespace('other', { team: 'a' }), tried: true },
  { name: 'a namespace that a shunned term ceases to select', ...affinity, pod: podOf('pod', { affinity: required('podAntiAffinity', teamSelector) }), ...ofNamespace, before: namespace('other', { team: 'a' }), after: namespace('other', {}), tried: true },
  { name: 'a namespace that no term has anything to do with', ...affinity, pod: podOf('pod', { affinity: required('podAffinity', teamSelector) }), ...ofNamespace, before: namespace('other', {}), after: namespace('other', { team: 'b' }), tried: false },
  { name: 'a namespace, for terms that name none', ...affinity, pod: wants, ...ofNamespace, before: namespace('other', {}), after: namespace('other', { team: 'a' }), tried: false },
  { name: "the pod's namespace, once a term of others ceases to select it", ...affinity, pod: plainWeb, there: [podOf('there', { namespace: 'other', affinity: required('podAntiAffinity', teamSelector), nodeName: 'node-9' })], ...ofNamespace, before: namespace('default', { team: 'a' }), after: namespace('default', {}), tried: true },
  { name: 'a pod that a wanted term asks for', ...affinity, pod: wants, ...assigned('Add'), after: web('new'), tried: true },
  { name: 'a pod that no term asks for', ...affinity, pod: wants, ...assigned('Add'), after: web('new', { app: 'db' }), tried: false },
  { name: 'the end of a shunned pod', ...affinity, pod: shuns, ...assigned('Delete'), before: web('old', { app: 'web' }, true), tried: true },

  { name: 'a new pod that the constraint counts', ...spreading, pod: spread, ...assigned('Add'), after: web('new'), tried: true },
  { name: 'the end of a counted pod that was on its way out', ...spreading, pod: spread, ...assigned('Delete'), before: web('old', { app: 'web' }, true), tried: true },
  { name: 'the end of a pod that is not counted', ...spreading, pod: spread, ...assigned('Delete'), before: web('old', { app: 'db' }), tried: false },
  { name: 'a pod that comes to be counted', ...spreading, pod: spread, ...assigned('UpdatePodLabel'), before: web('one', { app: 'db' }), after: web('one'), tried: true },
  { name: 'a pod of another namespace', ...spreading, pod: spread, ...assigned('Add'), after: podOf('new', { namespace: 'other', labels: { app: 'web' }, nodeName: 'node-0' }), tried: false },
  { name: 'a new node of a domain', ...spreading, pod: spread, ...node('Add'), after: inZone('a'), tried: true },
  { name: 'a new node of no domain', ...spreading, pod: spread, ...node('Add'), after: noZone, tried: false },
  { name: 'a node of a domain that goes', ...spreading, pod: spread, ...node('Delete'), before: inZone('a'), tried: true },
  { name: 'a node of a domain with another label', ...spreading, pod: spread, ...node('UpdateNodeLabel'), before: inZone('a'), after: nodeOf('node-0', { labels: { [zone]: 'a', other: 'label' } }), tried: false },
  { name: 'a node that changes its domain', ...spreading, pod: spread, ...node('UpdateNodeLabel'), before: inZone('a'), after: inZone('b'), tried: true },
  { name: 'a node of a domain that gets a taint', ...spreading, pod: spread, ...node('UpdateNodeTaint'), before: inZone('a'), after: nodeOf('node-0', { labels: { [zone]: 'a' }, taints: [taint] }), tried: true },
  { name: 'a toleration, where taints do not count', ...spreading, pod: spread, ...own('UpdatePodToleration'), before: spread, after: spread, tried: false },
  { name: 'a toleration, where taints count', ...spreading, pod: spreadByTaints, ...own('UpdatePodToleration'), before: spreadByTaints, after: spreadByTaints, tried: true },
  { name: "the pod's own label, once it is not counted itself", ...spreading, pod: spread, ...own('UpdatePodLabel'), before: spread, after: podOf('spread', { labels: { app: 'db' } }), tried: true },

  { name: 'the end of a pod on the same port', ...ports, pod: port(), before: port(), tried: true },
  { name: 'the end of a pod on the same port of another address', ...ports, pod: port('10.0.0.1'), before: port('10.0.0.2'), tried: false },
  { name: 'the end of a pod on the same port of every address', ...ports, pod: port('10.0.0.1'), before: port(), tried: true },
  { name: 'the end of a pod on the same port of another protocol', ...ports, pod: port(), before: port(undefined, 'UDP'), tried: false },
  { name: 'the end of a pod on another port', ...ports, pod: port(), before: port(undefined, 'TCP', 9090), tried: false },
  { name: 'a new node', ...ports, pod: port(), ...node('Add'), after: noZone, tried: true },

  { name: 'a node that has got more of what is asked for', ...fit, before: sized('1'), after: sized('2'), tried: true },
  { name: 'a node that has got more, and not enough', ...fit, before: sized('1'), after: sized('1.5'), tried: false },
  { name: 'a node that has got more of something else', ...fit, before: sized('4', '8Gi'), after: sized('4', '16Gi'), tried: false },
  { name: 'a node that takes more pods', ...fit, before: sized('4', '8Gi', '10'), after: sized('4', '8Gi', '20'), tried: true },
  { name: 'a node that could not be read before', ...fit, before: sized('much'), after: sized('4'), tried: true },
  { name: 'a new node that is large enough', ...fit, ...node('Add'), after: sized('2'), tried: true },

  { name: 'a node that loses the taint', ...taints, pod: hungry, before: tainted, after: noZone, tried: true },
  { name: 'a node that keeps the taint', ...taints, pod: hungry, before: tainted, after: tainted, tried: false },
  { name: 'a node that never kept the pod away', ...taints, pod: hungry, before: noZone, after: noZone, tried: false },
  { name: 'a new node with the taint', ...taints, pod: hungry, ...node('Add'), after: tainted, tried: false },
  { name: 'a new node without taints', ...taints, pod: hungry, ...node('Add'), after: noZone, tried: true },
  { name: 'a toleration', ...taints, pod: hungry, ...own('UpdatePodToleration'), before: hungry, after: hungry, tried: true },

  { name: 'a node that is uncordoned', ...cordons, pod: hungry, ...node('UpdateNodeTaint'), before: cordoned, after: noZone, tried: true },
  { name: 'a node that was not cordoned', ...cordons, pod: hungry, ...node('UpdateNodeTaint'), before: tainted, after: noZone, tried: false },
  { name: 'a new node that is cordoned', ...cordons, pod: hungry, ...node('Add'), after: cordoned, tried: false },
  { name: 'a toleration of cordons', ...cordons, pod: hungry, ...own('UpdatePodToleration'), before: hungry, after: cordonToleration, tried: true },
  { name: 'a toleration of something else', ...cordons, pod: hungry, ...own('UpdatePodToleration'), before: hungry, after: anotherToleration, tried: false },

  { name: 'a node that comes to match', ...labels, before: disk('slow'), after: disk('fast'), tried: true },
  { name: 'a node that has matched all along', ...labels, before: disk('fast'), after: nodeOf('node-0', { labels: { disk: 'fast', other: 'label' } }), tried: false },
  { name: 'a new node that does not match', ...labels, ...node('Add'), after: disk('slow'), tried: false },

  { name: 'a higher limit of volumes', ...limits, action: 'Update', before: csiNode(1), after: csiNode(2), tried: true },
  { name: 'a lower limit of volumes', ...limits, action: 'Update', before: csiNode(2), after: csiNode(1), tried: false },
  { name: 'a limit of volumes that is lifted', ...limits, action: 'Update', before: csiNode(2), after: csiNode(), tried: true },

  { name: 'a volume claim of the pod', plugin: 'VolumeRestrictions', pod: withClaim, resource: 'PersistentVolumeClaim', action: 'Add', after: volumeClaim, tried: true },
  { name: 'another state of that claim', plugin: 'VolumeRestrictions', pod: withClaim, resource: 'PersistentVolumeClaim', action: 'Update', before: volumeClaim, after: volumeClaim, tried: false },
  { name: 'a finalizer of a claim for devices', plugin: 'DynamicResources', pod: withClaim, resource: 'ResourceClaim', action: 'Update', before: deviceClaim({}), after: deviceClaim({}, ['driver']), tried: false },
  { name: 'an allocation of a claim for devices', plugin: 'DynamicResources', pod: withClaim, resource: 'ResourceClaim', action: 'Update', before: deviceClaim({}), after: deviceClaim({ allocation: {} }), tried: true },
  { name: 'the end of any pod', plugin: 'DefaultPreemption', pod: hungry, ...assigned('Delete'), before: web('old'), tried: false },
];

describe.each(Object.entries(Object.groupBy(cases, ({ plugin }) => plugin)))('%s', (plugin, table) => {
  it.each(table ?? [])(
    '$name: tried again $tried',
    ({ args, pod, resource, action, before, after, there, tried }) => {
      const state = new ClusterState();
      state.setNode(nodeOf('node-9', { labels: { [zone]: 'z' } }));
      for (const object of [before, after])
        if (resource === 'Namespace' && object) state.setNamespace(object as Persisted<Namespace>);
      for (const other of there ?? []) state.setPod(other);
      const { events = [] } = builtInPlugins.get(plugin)?.(args, contextOf(state)) ?? {};
      const hints = events.filter((one) => one.resource === resource && one.actions.includes(action));
      const answers = hints.map(
        ({ hint }) => hint?.(podInfoOf(pod), { resource, actions: [action], before, after }) ?? 'Queue',
      );
      expect(answers.includes('Queue')).toBe(tried);
    },
  );
});
