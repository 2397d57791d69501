import { describe, expect, it } from 'vitest';
import { CycleState } from '../../../functions/scheduler/framework/cycle-state.ts';
import type { Plugin } from '../../../functions/scheduler/framework/plugin.ts';
import { podInfoOf } from '../../../functions/scheduler/framework/pod-info.ts';
import { ClusterState } from '../../../functions/scheduler/framework/snapshot.ts';
import { builtInPlugins } from '../../../functions/scheduler/plugins/registry.ts';
import type { Node, Pod, Volume } from '../../../lib/api/gen/types.ts';
import fc from '../../support/property.ts';
import * as model from './model-volumes.ts';
import { contextOf, nodeOf, objectsOf, podOf } from './world.ts';

const zone = 'topology.kubernetes.io/zone';
const driver = 'disks.example.com';
const persisted = (name: string) => ({
  name,
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
});
const claimNames = ['c0', 'c1', 'c2', 'c3'];
const volumeNames = ['v0', 'v1', 'v2', 'v3'];
const classNames = ['now', 'later', 'local'];

const classes = [
  { metadata: persisted('now'), provisioner: driver, volumeBindingMode: 'Immediate' },
  { metadata: persisted('later'), provisioner: driver, volumeBindingMode: 'WaitForFirstConsumer' },
  {
    metadata: persisted('local'),
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  },
];

const node = fc.record({
  labels: fc.dictionary(fc.constantFrom(zone, 'rack'), fc.constantFrom('1', '2')),
  /** Of the driver on the node. */
  limit: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
});

const volume = fc.record({
  labels: fc.dictionary(fc.constant(zone), fc.constantFrom('1', '2', '1__2')),
  storageClassName: fc.constantFrom(...classNames),
  storage: fc.constantFrom('1Gi', '2Gi', '5Gi'),
  handle: fc.option(fc.constantFrom('h0', 'h1', 'h2'), { nil: undefined }),
  rack: fc.option(fc.constantFrom('1', '2'), { nil: undefined }),
  phase: fc.constantFrom('Available', 'Available', 'Bound'),
  isReserved: fc.boolean(),
});

const claim = fc.record({
  storageClassName: fc.constantFrom(...classNames),
  storage: fc.constantFrom('1Gi', '2Gi', '5Gi'),
  volumeName: fc.option(fc.constantFrom(...volumeNames, 'gone'), { nil: undefined }),
  isBound: fc.boolean(),
  accessModes: fc.constantFrom<string[]>(['ReadWriteOnce'], ['ReadWriteOnce'], ['ReadWriteOncePod']),
});

const podVolume: fc.Arbitrary<Volume> = fc.oneof(
  fc.constantFrom(...claimNames, 'absent').map((claimName) => ({
    name: claimName,
    persistentVolumeClaim: { claimName },
  })),
  fc.constantFrom(...claimNames).map((claimName) => ({
    name: claimName,
    persistentVolumeClaim: { claimName },
  })),
  fc
    .record({ pdName: fc.constantFrom('a', 'b'), readOnly: fc.boolean() })
    .map((gcePersistentDisk) => ({ name: 'gce', gcePersistentDisk })),
  fc
    .record({ volumeID: fc.constantFrom('a', 'b') })
    .map((awsElasticBlockStore) => ({ name: 'ebs', awsElasticBlockStore })),
);
const podVolumes = fc.uniqueArray(podVolume, { maxLength: 3, selector: ({ name }) => name });

const world = fc
  .record({
    nodes: fc.array(node, { minLength: 1, maxLength: 4 }),
    volumes: fc.tuple(volume, volume, volume, volume),
    claims: fc.tuple(claim, claim, claim, claim),
    there: fc.array(fc.record({ volumes: podVolumes, at: fc.nat() }), { maxLength: 5 }),
    incoming: podVolumes,
  })
  .map(({ nodes, volumes, claims, there, incoming }) => ({
    nodes: nodes.map(({ labels }, i) => nodeOf(`n${i}`, { labels })),
    csiNodes: nodes.flatMap(({ limit }, i) =>
      limit === undefined
        ? []
        : [
            {
              metadata: persisted(`n${i}`),
              spec: { drivers: [{ name: driver, nodeID: `n${i}`, allocatable: { count: limit } }] },
            },
          ],
    ),
    volumes: volumes.map((of, i) => ({
      metadata: { ...persisted(`v${i}`), labels: of.labels },
      spec: {
        capacity: { storage: of.storage },
        accessModes: ['ReadWriteOnce'],
        storageClassName: of.storageClassName,
        ...(of.handle && { csi: { driver, volumeHandle: of.handle } }),
        ...(of.isReserved && { claimRef: { namespace: 'default', name: 'somebody', uid: 'somebody' } }),
        ...(of.rack && {
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'rack', operator: 'In', values: [of.rack] }] }],
            },
          },
        }),
      },
      status: { phase: of.phase },
    })),
    claims: claims.map((of, i) => ({
      metadata: {
        ...persisted(`c${i}`),
        namespace: 'default',
        ...(of.isBound && of.volumeName && { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }),
      },
      spec: {
        storageClassName: of.storageClassName,
        accessModes: of.accessModes,
        resources: { requests: { storage: of.storage } },
        ...(of.volumeName && { volumeName: of.volumeName }),
      },
    })),
    pods: there.map(({ volumes: mounted, at }, i) =>
      podOf(`p${i}`, { spec: { volumes: mounted, nodeName: `n${at % nodes.length}` } }),
    ),
    incoming: podOf('incoming', { spec: { volumes: incoming } }),
  }));

const rules: { name: string; filter: (world: model.VolumeWorld, pod: Pod, node: Node) => string }[] = [
  { name: 'VolumeZone', filter: model.volumeZone },
  { name: 'VolumeRestrictions', filter: model.volumeRestrictions },
  { name: 'NodeVolumeLimits', filter: model.volumeLimits },
  { name: 'VolumeBinding', filter: model.volumeBinding },
];

describe.each(rules)('$name decides as a literal reading of its rule', ({ name, filter }) => {
  it('for 1,000 clusters', () => {
    fc.assert(
      fc.property(world, ({ nodes, csiNodes, volumes, claims, pods, incoming }) => {
        const state = new ClusterState();
        const objects = objectsOf({ claims, volumes, csiNodes, storageClasses: classes });
        const plugin = builtInPlugins.get(name)?.({}, contextOf(state, objects)) as Plugin;
        for (const one of nodes) state.setNode(one);
        for (const pod of pods) state.setPod(pod);
        const info = podInfoOf(incoming);
        const cycle = new CycleState();
        const before = plugin.preFilter?.(cycle, info, state)?.status;
        const said = state.nodes.map((one) => {
          if (before?.code === 'Skip') return 'ok';
          const status = before ?? plugin.filter?.(cycle, info, one);
          if (!status) return 'ok';
          return status.code === 'Unschedulable' ? 'no' : 'never';
        });
        const all: model.VolumeWorld = { nodes, csiNodes, volumes, claims, classes, pods };
        const byName = new Map(nodes.map((one) => [one.metadata.name, one]));
        expect(said).toEqual(state.nodes.map((one) => filter(all, incoming, byName.get(one.name) as Node)));
      }),
      { numRuns: 1_000, seed: 20260101 },
    );
  });
});
