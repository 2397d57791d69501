import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { deployments } from '../../../lib/client/resources.ts';
import { equalTemplates, sameMap, semanticEqual } from '../common/equal.ts';
import { computeHash } from '../common/hash.ts';
import { controllerReference } from '../common/owners.ts';
import { without } from '../common/without.ts';
import { newSetAnnotations, replicasAnnotations, revisionOf } from './revision.ts';
import { newSetReplicas } from './strategy.ts';

export type Set = Persisted<ReplicaSet>;

const hashLabel = 'pod-template-hash';

/** Whether two templates are the same but for the hash label, whose value says nothing about what runs. */
export function sameTemplate(one: PodTemplateSpec | undefined, other: PodTemplateSpec | undefined): boolean {
  if (!one || !other) return one === other;
  return equalTemplates(one.spec, other.spec) && semanticEqual(plainMetadata(one), plainMetadata(other));
}

function plainMetadata(template: PodTemplateSpec): object {
  const { labels, annotations = {}, ...rest } = template.metadata ?? {};
  return { ...without({ ...rest }, 'creationTimestamp'), labels: without(labels, hashLabel), annotations };
}

/** The set with the Deployment's template: the oldest, should there be several. */
export function findNewSet(deployment: Deployment, sets: readonly Set[]): Set | undefined {
  return [...sets].sort(byAge).find((set) => sameTemplate(set.spec.template, deployment.spec.template));
}

/** Oldest first. */
export function byAge(a: Set, b: Set): number {
  const [x, y] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** The set to create for a template that has none. Its name follows from the template: a second create meets the first. */
export function buildSet(
  deployment: Persisted<Deployment>,
  old: readonly Set[],
  revision: bigint,
): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = computeHash(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: {
        ...newSetAnnotations(deployment, undefined, revision),
        ...replicasAnnotations(deployment),
      },
      ownerReferences: [controllerReference(deployments, deployment)],
    },
    spec: {
      replicas: newSetReplicas(deployment, old, 0),
      minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** The existing set brought up to its Deployment's annotations and minReadySeconds; undefined when nothing differs. */
export function refreshedSet(deployment: Deployment, set: Set, revision: bigint): Set | undefined {
  const annotations = newSetAnnotations(deployment, set.metadata.annotations, revision);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  if (sameMap(annotations, set.metadata.annotations) && (set.spec.minReadySeconds ?? 0) === minReadySeconds) {
    return undefined;
  }
  return { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, minReadySeconds } };
}

/** The set at this size, and its note of how large the Deployment is to be; undefined when nothing differs. */
export function resizedSet(deployment: Deployment, set: Set, replicas: number): Set | undefined {
  const annotations = { ...set.metadata.annotations, ...replicasAnnotations(deployment) };
  if ((set.spec.replicas ?? 1) === replicas && sameMap(annotations, set.metadata.annotations))
    return undefined;
  return { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } };
}

/** Old sets beyond the history limit whose pods are gone, the oldest revisions first. */
export function surplusHistory(deployment: Deployment, old: readonly Set[]): Set[] {
  const limit = deployment.spec.revisionHistoryLimit;
  if (limit === undefined || limit === 2_147_483_647) return [];
  const alive = old.filter((set) => !set.metadata.deletionTimestamp);
  return alive
    .sort((a, b) => compare(revisionOf(a), revisionOf(b)) || byAge(a, b))
    .slice(0, Math.max(0, alive.length - limit))
    .filter(
      ({ metadata, spec, status }) =>
        (status?.replicas ?? 0) === 0 &&
        spec.replicas === 0 &&
        (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0),
    );
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
