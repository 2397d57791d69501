import type { OwnerReference, Pod, PodDisruptionBudget, Scale } from '../../../lib/api/gen/types.ts';
import { joinKey, type KubeObject, type Persisted } from '../../../lib/api/object.ts';
import type { Lister } from '../../../lib/client/lister.ts';
import type { KubeClient, Resource } from '../../../lib/client/port.ts';
import {
  apiVersionOf,
  deployments,
  replicaSets,
  replicationControllers,
  statefulSets,
} from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { scaledValue } from '../common/int-or-string.ts';
import { controllerOf } from '../common/owners.ts';
import type { ControllerContext } from '../context.ts';

/** How many pods a budget counts on, and how many of them must be healthy. */
export interface Expectation {
  expectedPods: number;
  desiredHealthy: number;
  /** Names of pods that nothing manages: how many there should be cannot be known. */
  unmanaged: string[];
}

/** The owners whose scale says how many pods there should be. */
export interface Owners {
  /** Undefined where the owner is gone, or is of a kind without a scale. */
  scaleOf(pod: Pod, owner: OwnerReference): Promise<{ uid: string; replicas: number } | undefined>;
}

interface Scaled extends KubeObject {
  spec: { replicas?: number };
}

export function ownersOf(context: ControllerContext): Owners {
  const kinds = [replicationControllers, replicaSets, statefulSets, deployments] as const;
  const listers = new Map(
    kinds.map((resource) => [
      `${apiVersionOf(resource)} ${resource.kind}`,
      context.lister(resource as Resource<Scaled>),
    ]),
  );
  const known = ({ apiVersion, kind }: OwnerReference): Lister<Scaled> | undefined =>
    listers.get(`${apiVersion} ${kind}`);
  const scale = ({ metadata, spec }: Persisted<Scaled>) => ({
    uid: metadata.uid,
    replicas: spec.replicas ?? 1,
  });
  return {
    async scaleOf(pod, reference) {
      const lister = known(reference);
      if (!lister) return await scaleOfOther(context.client, pod, reference);
      const owner = lister.get(joinKey(pod.metadata.namespace, reference.name));
      if (owner?.metadata.uid !== reference.uid) return undefined;
      const above = controllerOf(owner);
      if (reference.kind !== replicaSets.kind || above?.kind !== deployments.kind) return scale(owner);
      const deployment = known(above)?.get(joinKey(pod.metadata.namespace, above.name));
      return deployment && deployment.metadata.uid === above.uid ? scale(deployment) : undefined;
    },
  };
}

/** Anything else that has a `scale` subresource. */
async function scaleOfOther(client: KubeClient, pod: Pod, { apiVersion, kind, name, uid }: OwnerReference) {
  const { resources } = await client.discover();
  const resource = resources.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
  if (!resource) return undefined;
  try {
    const ref = { namespace: pod.metadata.namespace ?? '', name };
    const found = await client.get(resource as Resource<Scale>, ref, { subresource: 'scale' });
    return found.metadata.uid === uid ? { uid, replicas: found.spec?.replicas ?? 0 } : undefined;
  } catch (error) {
    if (isKind(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** @throws Error where a pod's owner says nothing of how many there should be */
export async function expectation(
  { spec }: PodDisruptionBudget,
  pods: readonly Pod[],
  owners: Owners,
): Promise<Expectation> {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable === undefined && typeof minAvailable === 'number') {
    return { expectedPods: pods.length, desiredHealthy: minAvailable, unmanaged: [] };
  }
  const { expectedPods, unmanaged } = await expectedScale(pods, owners);
  const desiredHealthy =
    maxUnavailable === undefined
      ? scaledValue(minAvailable ?? 0, expectedPods, true)
      : Math.max(0, expectedPods - scaledValue(maxUnavailable, expectedPods, true));
  return { expectedPods, desiredHealthy, unmanaged };
}

async function expectedScale(pods: readonly Pod[], owners: Owners) {
  const scales = new Map<string, number>();
  /** Owners that have been asked, with the uid of what they are scaled by. */
  const asked = new Set<string>();
  const unmanaged: string[] = [];
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (!owner) {
      unmanaged.push(pod.metadata.name ?? '');
      continue;
    }
    if (asked.has(owner.uid)) continue;
    const scale = await owners.scaleOf(pod, owner);
    if (!scale) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
    asked.add(owner.uid);
    scales.set(scale.uid, scale.replicas);
  }
  const expectedPods = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  return { expectedPods, unmanaged };
}
