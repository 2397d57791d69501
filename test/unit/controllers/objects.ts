import type {
  Deployment,
  EndpointSlice,
  Node,
  Pod,
  PodTemplateSpec,
  ReplicaSet,
} from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';

/** Objects as the API server would give them, for logic that needs no server. */
const created = '2026-01-01T00:00:00Z';

function metadata(name: string, more: object = {}) {
  return {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    resourceVersion: '1',
    creationTimestamp: created,
    generation: 1,
    ...more,
  };
}

export const template: PodTemplateSpec = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'web:1' }] },
};

export function deployment(
  spec: Partial<Deployment['spec']> = {},
  more: Partial<Deployment> = {},
): Persisted<Deployment> {
  return {
    ...more,
    metadata: metadata('web', more.metadata),
    spec: { selector: { matchLabels: { app: 'web' } }, template, ...spec },
  };
}

export function replicaSet(
  name: string,
  spec: Partial<ReplicaSet['spec']> = {},
  more: Partial<ReplicaSet> = {},
): Persisted<ReplicaSet> {
  return {
    ...more,
    metadata: metadata(name, more.metadata),
    spec: { selector: { matchLabels: { app: 'web' } }, template, replicas: 1, ...spec },
  };
}

export function pod(
  name: string,
  more: { metadata?: object; spec?: object; status?: Pod['status'] } = {},
): Persisted<Pod> {
  return {
    metadata: metadata(name, more.metadata),
    spec: { containers: [{ name: 'web', image: 'web:1' }], nodeName: 'node-1', ...more.spec },
    status: { phase: 'Running', ...more.status },
  };
}

export const readySince = (time: string): Pod['status'] => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time }],
});

export function node(
  name: string,
  ready: string | undefined,
  more: { labels?: Record<string, string>; spec?: Node['spec'] } = {},
): Persisted<Node> {
  return {
    metadata: metadata(name, { namespace: undefined, labels: more.labels }),
    spec: more.spec ?? {},
    status: ready ? { conditions: [{ type: 'Ready', status: ready }] } : {},
  };
}

export function slice(
  name: string,
  content: Pick<EndpointSlice, 'ports' | 'endpoints'>,
): Persisted<EndpointSlice> {
  return { metadata: metadata(name), addressType: 'IPv4', ...content };
}
