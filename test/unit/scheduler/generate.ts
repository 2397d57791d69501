import type {
  Affinity,
  LabelSelector,
  PodAffinityTerm,
  Taint,
  Toleration,
} from '../../../lib/api/gen/types.ts';
import fc from '../../support/property.ts';
import { type NodeSpecOf, nodeOf, type PodSpecOf, podOf } from './world.ts';

/** Few keys and values, so that what is generated meets often. */
const keys = ['app', 'tier'];
const values = ['a', 'b', 'c'];
const zone = 'topology.kubernetes.io/zone';
const topologies = [zone, 'kubernetes.io/hostname', 'rack'];

const labels = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values));
const selector: fc.Arbitrary<LabelSelector> = fc.oneof(
  fc.record({ matchLabels: labels }),
  fc.record({
    matchExpressions: fc.array(
      fc.oneof(
        fc.record({
          key: fc.constantFrom(...keys),
          operator: fc.constantFrom('In', 'NotIn'),
          values: fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }),
        }),
        fc.record({ key: fc.constantFrom(...keys), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
      ),
      { maxLength: 2 },
    ),
  }),
);
const taint: fc.Arbitrary<Taint> = fc.record({
  key: fc.constantFrom('t1', 't2'),
  value: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
  effect: fc.constantFrom('NoSchedule', 'NoExecute', 'PreferNoSchedule'),
});
const toleration: fc.Arbitrary<Toleration> = fc.record(
  {
    key: fc.constantFrom('t1', 't2'),
    operator: fc.constantFrom('Exists', 'Equal'),
    value: fc.constantFrom('x', 'y'),
    effect: fc.constantFrom('NoSchedule', 'NoExecute', 'PreferNoSchedule'),
  },
  { requiredKeys: ['operator'] },
);
const amounts = (cpu: string[], memory: string[]) =>
  fc.record(
    {
      cpu: fc.constantFrom(...cpu),
      memory: fc.constantFrom(...memory),
      'example.com/gpu': fc.constantFrom('0', '1', '2'),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Record<string, string>>;

const images = fc.subarray([
  { names: ['docker.io/library/small:1'], sizeBytes: 60 * 2 ** 20 },
  { names: ['docker.io/library/large:latest'], sizeBytes: 900 * 2 ** 20 },
]);
const ports = fc.array(
  fc.record({
    containerPort: fc.constant(80),
    hostPort: fc.constantFrom(8080, 8081),
    hostIP: fc.constantFrom('', '0.0.0.0', '10.0.0.1', '10.0.0.2'),
    protocol: fc.constantFrom('TCP', 'UDP'),
  }),
  { maxLength: 2 },
);
const node: fc.Arbitrary<NodeSpecOf> = fc.record({
  unschedulable: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  images,
  labels: fc.dictionary(fc.constantFrom(zone, 'rack', 'size'), fc.constantFrom('1', '2', '3')),
  taints: fc.array(taint, { maxLength: 2 }),
  allocatable: amounts(['2', '4', '3500m'], ['1Gi', '2Gi', '4Gi']).map((found) => ({
    cpu: '3',
    memory: '3Gi',
    pods: '4',
    ...found,
  })),
});

const term: fc.Arbitrary<PodAffinityTerm> = fc.record(
  {
    topologyKey: fc.constantFrom(...topologies),
    labelSelector: selector,
    namespaces: fc.uniqueArray(fc.constantFrom('default', 'other'), { maxLength: 2 }),
    namespaceSelector: fc.oneof(fc.constant({}), fc.constant({ matchLabels: { team: 'blue' } })),
  },
  { requiredKeys: ['topologyKey', 'labelSelector'] },
);
const terms = fc.array(term, { maxLength: 2 });
const weighted = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 100 }), podAffinityTerm: term }), {
  maxLength: 2,
});
const podTerms = fc.record(
  {
    requiredDuringSchedulingIgnoredDuringExecution: terms,
    preferredDuringSchedulingIgnoredDuringExecution: weighted,
  },
  { requiredKeys: [] },
);
const nodeTerm = fc.record(
  {
    matchExpressions: fc.array(
      fc.oneof(
        fc.record({
          key: fc.constantFrom(zone, 'rack', 'size'),
          operator: fc.constantFrom('In', 'NotIn'),
          values: fc.constantFrom(['1'], ['1', '2']),
        }),
        fc.record({
          key: fc.constant('size'),
          operator: fc.constantFrom('Gt', 'Lt'),
          values: fc.constantFrom(['1'], ['2']),
        }),
        fc.record({
          key: fc.constantFrom(zone, 'rack'),
          operator: fc.constantFrom('Exists', 'DoesNotExist'),
        }),
      ),
      { maxLength: 2 },
    ),
    matchFields: fc.constant([{ key: 'metadata.name', operator: 'In', values: ['n0', 'n2'] }]),
  },
  { requiredKeys: [] },
);
const affinity = fc.record(
  {
    nodeAffinity: fc.record(
      {
        requiredDuringSchedulingIgnoredDuringExecution: fc.record({
          nodeSelectorTerms: fc.array(nodeTerm, { minLength: 1, maxLength: 2 }),
        }),
        preferredDuringSchedulingIgnoredDuringExecution: fc.array(
          fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: nodeTerm }),
          { maxLength: 2 },
        ),
      },
      { requiredKeys: [] },
    ),
    podAffinity: podTerms,
    podAntiAffinity: podTerms,
  },
  { requiredKeys: [] },
);
const spreads = fc.uniqueArray(
  fc.record(
    {
      maxSkew: fc.integer({ min: 1, max: 2 }),
      topologyKey: fc.constantFrom(...topologies),
      whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'ScheduleAnyway'),
      labelSelector: selector,
      nodeAffinityPolicy: fc.constantFrom('Honor', 'Ignore'),
      nodeTaintsPolicy: fc.constantFrom('Honor', 'Ignore'),
      matchLabelKeys: fc.constantFrom<string[]>(['app'], ['tier']),
      minDomains: fc.integer({ min: 1, max: 3 }),
    },
    { requiredKeys: ['maxSkew', 'topologyKey', 'whenUnsatisfiable', 'labelSelector'] },
  ),
  { maxLength: 3, selector: ({ topologyKey, whenUnsatisfiable }) => topologyKey + whenUnsatisfiable },
);
const pod: fc.Arbitrary<PodSpecOf> = fc.record({
  namespace: fc.constantFrom('default', 'other'),
  labels,
  requests: amounts(['100m', '1', '2'], ['100Mi', '1Gi']),
  image: fc.constantFrom('docker.io/library/small:1', 'docker.io/library/large', 'absent'),
  ports,
  affinity: fc.option(affinity as fc.Arbitrary<Affinity>, { nil: undefined }),
  spec: fc.record({
    tolerations: fc.array(
      fc.oneof(
        toleration,
        fc.constant<Toleration>({ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }),
      ),
      { maxLength: 2 },
    ),
    // Of the pod to place: pods on nodes are where they are.
    nodeName: fc.option(fc.constantFrom('n0', 'n1'), { nil: undefined }),
    topologySpreadConstraints: spreads,
  }),
});

/** Nodes, pods on them, pods that were on them and left again, and a pod to place. */
export const cluster = fc
  .record({
    nodes: fc.array(node, { minLength: 1, maxLength: 5 }),
    there: fc.array(fc.record({ pod, at: fc.nat(), terminating: fc.boolean(), leaves: fc.boolean() }), {
      maxLength: 8,
    }),
    /** Nodes whose labels change once the pods are there. */
    relabelled: fc.array(
      fc.record({
        at: fc.nat(),
        labels: fc.dictionary(fc.constantFrom(zone, 'rack'), fc.constantFrom('1', '2')),
      }),
      { maxLength: 1 },
    ),
    incoming: pod,
  })
  .map(({ nodes, there, relabelled, incoming }) => ({
    nodes: nodes.map((spec, index) => nodeOf(`n${index}`, spec)),
    relabelled: relabelled.map(({ at, labels: changed }) =>
      nodeOf(`n${at % nodes.length}`, { ...nodes[at % nodes.length], labels: changed }),
    ),
    pods: there.map(({ pod: spec, at, terminating, leaves }, index) => ({
      leaves,
      pod: podOf(`p${index}`, {
        ...spec,
        spec: { ...spec.spec, nodeName: `n${at % nodes.length}` },
        deleted: terminating && index % 3 === 0,
      }),
    })),
    incoming: podOf('incoming', incoming),
  }));
