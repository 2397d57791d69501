import type {
  DaemonSet,
  Deployment,
  Job,
  Pod,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { deployments, pods, replicaSets } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import type { ControlPlane } from './control-plane.ts';
import { exitCodes } from './simulated-node.ts';

/** Labels, and one container; what else differs is the test's own. */
export function template(labels: Record<string, string>, image = 'web:1'): PodTemplateSpec {
  return { metadata: { labels }, spec: { containers: [{ name: 'web', image }] } };
}

export function deployment(name: string, spec: Partial<Deployment['spec']> = {}): Deployment {
  const matchLabels = { app: name };
  return {
    metadata: { name },
    spec: { selector: { matchLabels }, template: template(matchLabels), ...spec },
  };
}

export function replicaSet(name: string, spec: Partial<ReplicaSet['spec']> = {}): ReplicaSet {
  const matchLabels = { app: name };
  return {
    metadata: { name },
    spec: { selector: { matchLabels }, template: template(matchLabels), ...spec },
  };
}

export function statefulSet(name: string, spec: Partial<StatefulSet['spec']> = {}): StatefulSet {
  const matchLabels = { app: name };
  return {
    metadata: { name },
    spec: { selector: { matchLabels }, serviceName: 'test', template: template(matchLabels), ...spec },
  };
}

export function daemonSet(name: string, spec: Partial<DaemonSet['spec']> = {}): DaemonSet {
  const matchLabels = { app: name };
  return {
    metadata: { name },
    spec: { selector: { matchLabels }, template: template(matchLabels), ...spec },
  };
}

export function replicationController(
  name: string,
  spec: Partial<ReplicationController['spec']> = {},
): ReplicationController {
  const selector = { app: name };
  return { metadata: { name }, spec: { selector, template: template(selector), ...spec } };
}

/** Two at once, to completion; `exits` is what its pods end with, and undefined for pods that run on. */
export function job(
  name: string,
  exits: number | Record<string, number> | undefined,
  spec: Partial<Job['spec']> = {},
): Job {
  const annotations: Record<string, string> = {};
  if (exits !== undefined) annotations[exitCodes] = JSON.stringify(exits);
  const pod = template({ app: name });
  return {
    metadata: { name },
    spec: {
      parallelism: 2,
      completions: 4,
      template: {
        metadata: { ...pod.metadata, annotations },
        spec: { restartPolicy: 'Never', containers: pod.spec?.containers ?? [] },
      },
      ...spec,
    },
  };
}

/** As a test breaks a pod's probe, and mends it. */
export async function setReady(
  plane: ControlPlane,
  { metadata: { namespace, name } }: Persisted<Pod>,
  ready: boolean,
): Promise<void> {
  const lastTransitionTime = new Date().toISOString();
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }];
  const patch = { status: { conditions } };
  await plane.client.patch(
    pods,
    { namespace, name },
    { type: 'strategic', patch },
    { subresource: 'status' },
  );
}

export async function podsOf(
  plane: ControlPlane,
  namespace: string,
  labelSelector = '',
): Promise<Persisted<Pod>[]> {
  return (await plane.client.list(pods, { namespace, labelSelector })).items;
}

export async function replicaSetsOf(
  plane: ControlPlane,
  namespace: string,
): Promise<Persisted<ReplicaSet>[]> {
  return (await plane.client.list(replicaSets, { namespace })).items;
}

export function isReady({ metadata, status }: Pod): boolean {
  return (
    !metadata.deletionTimestamp &&
    !!status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')
  );
}

/** Waits until exactly `count` pods are there, all of them ready. */
export function readyPods(
  plane: ControlPlane,
  namespace: string,
  count: number,
  labelSelector = '',
): Promise<Persisted<Pod>[]> {
  return eventually(`${count} ready pods of ${labelSelector || namespace}`, async () => {
    const found = await podsOf(plane, namespace, labelSelector);
    return found.length === count && found.every(isReady) && found;
  });
}

/** Waits until the Deployment's newest template runs everywhere, and says so. */
export function rolledOut(
  plane: ControlPlane,
  namespace: string,
  name: string,
): Promise<Persisted<Deployment>> {
  return eventually(`the rollout of ${name}`, async () => {
    const found = await plane.client.get(deployments, { namespace, name });
    const { replicas, updatedReplicas, availableReplicas, observedGeneration } = found.status ?? {};
    const wanted = found.spec.replicas;
    return (
      observedGeneration === found.metadata.generation &&
      [replicas, updatedReplicas, availableReplicas].every((count) => (count ?? 0) === wanted) &&
      found
    );
  });
}
