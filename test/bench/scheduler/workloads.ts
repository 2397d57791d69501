import type { PodTemplate } from './cluster.ts';

/** A workload of upstream's scheduler_perf: pods that are there, then pods that are measured. */
export interface Workload {
  name: string;
  nodes: number;
  zones?: string[];
  /** On the nodes, the same number on each, before the clock starts. */
  initial?: { count: number; template: PodTemplate };
  /** Never fit; created before the measured ones. */
  inTheWay?: { count: number; template: PodTemplate };
  /** Once a second a node, a Service and a pod that fits nowhere come, and those of the second before go. */
  churn?: PodTemplate;
  measured: { count: number; template: PodTemplate };
  /** Pods a second: what the design asks for, and the threshold of kube-scheduler's own tests. */
  target: number;
  upstreamThreshold: number;
}

/** Of value 10; others have 0. */
export const highPriority = 'bench-high';
const zone = 'topology.kubernetes.io/zone';
const hostname = 'kubernetes.io/hostname';
const selecting = (color: string, topologyKey: string) => ({
  labelSelector: { matchLabels: { color } },
  topologyKey,
});

export const workloads: readonly Workload[] = [
  {
    name: 'basic',
    nodes: 5_000,
    measured: { count: 10_000, template: { prefix: 'basic' } },
    target: 1_000,
    upstreamThreshold: 680,
  },
  {
    name: 'mixed churn',
    nodes: 5_000,
    churn: {
      prefix: 'churn',
      spec: { priorityClassName: highPriority },
      requests: { cpu: '9', memory: '500Mi' },
    },
    measured: { count: 10_000, template: { prefix: 'mixed' } },
    target: 1_000,
    upstreamThreshold: 710,
  },
  {
    name: 'preferred pod affinity',
    nodes: 5_000,
    measured: {
      count: 5_000,
      template: {
        prefix: 'preferred',
        labels: { color: 'red' },
        spec: {
          affinity: {
            podAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 1, podAffinityTerm: selecting('red', hostname) },
              ],
            },
          },
        },
      },
    },
    target: 200,
    upstreamThreshold: 90,
  },
  {
    name: 'required pod anti-affinity',
    nodes: 5_000,
    measured: {
      count: 2_000,
      template: {
        prefix: 'anti',
        labels: { color: 'green' },
        spec: {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [selecting('green', hostname)],
            },
          },
        },
      },
    },
    target: 200,
    upstreamThreshold: 60,
  },
  {
    name: 'required pod affinity',
    nodes: 5_000,
    zones: ['zone1'],
    measured: {
      count: 5_000,
      template: {
        prefix: 'affinity',
        labels: { color: 'blue' },
        spec: {
          affinity: {
            podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [selecting('blue', zone)] },
          },
        },
      },
    },
    target: 200,
    upstreamThreshold: 35,
  },
  {
    name: 'node affinity',
    nodes: 5_000,
    zones: ['zone1'],
    measured: {
      count: 10_000,
      template: {
        prefix: 'nodeaffinity',
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: zone, operator: 'In', values: ['zone1', 'zone2'] }] },
                ],
              },
            },
          },
        },
      },
    },
    target: 600,
    upstreamThreshold: 220,
  },
  {
    name: 'topology spreading, hard',
    nodes: 5_000,
    zones: ['zone1', 'zone2', 'zone3'],
    measured: {
      count: 5_000,
      template: {
        prefix: 'spread',
        labels: { color: 'blue' },
        spec: {
          topologySpreadConstraints: [
            {
              maxSkew: 5,
              topologyKey: zone,
              whenUnsatisfiable: 'DoNotSchedule',
              labelSelector: { matchLabels: { color: 'blue' } },
            },
          ],
        },
      },
    },
    target: 600,
    upstreamThreshold: 460,
  },
  {
    name: 'preemption',
    nodes: 5_000,
    initial: {
      count: 20_000,
      template: {
        prefix: 'low',
        // As upstream's: they go at once, as there is no agent to end them.
        spec: { terminationGracePeriodSeconds: 0 },
        requests: { cpu: '900m', memory: '500Mi' },
      },
    },
    measured: {
      count: 5_000,
      template: {
        prefix: 'high',
        spec: { priorityClassName: highPriority },
        requests: { cpu: '3000m', memory: '500Mi' },
      },
    },
    target: 600,
    upstreamThreshold: 570,
  },
  {
    name: 'unschedulable pods in the way',
    nodes: 5_000,
    inTheWay: { count: 200, template: { prefix: 'large', requests: { cpu: '9', memory: '500Mi' } } },
    measured: { count: 10_000, template: { prefix: 'small' } },
    target: 800,
    upstreamThreshold: 590,
  },
];
