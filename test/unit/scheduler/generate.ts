import fc from 'fast-check';
import type {
  Affinity,
  LabelSelector,
  PodAffinityTerm,
  Taint,
  Toleration,
} from '../../../lib/api/gen/types.ts';
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

const node: fc.Arbitrary<NodeSpecOf> = fc.record({
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
    },
    { requiredKeys: ['maxSkew', 'topologyKey', 'whenUnsatisfiable', 'labelSelector'] },
  ),
  { maxLength: 3, selector: ({ topologyKey, whenUnsatisfiable }) => topologyKey + whenUnsatisfiable },
);
const pod: fc.Arbitrary<PodSpecOf> = fc.record({
  namespace: fc.constantFrom('default', 'other'),
  labels,
  requests: amounts(['100m', '1', '2'], ['100Mi', '1Gi']),
  affinity: fc.option(affinity as fc.Arbitrary<Affinity>, { nil: undefined }),
  spec: fc.record({
    tolerations: fc.array(toleration, { maxLength: 2 }),
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
        deleted: terminating && index % 3 === 0,
        nodeName: `n${at % nodes.length}`,
      }),
    })),
    incoming: podOf('incoming', incoming),
  }));
