/** The past templates of a StatefulSet or DaemonSet, one ControllerRevision each (KEP "Controller History"). */
import type { ControllerRevision, PodTemplateSpec } from '../../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../../lib/api/object.ts';
import { matchesLabels, type Selector } from '../../../../lib/api/selectors/index.ts';
import type { Lister } from '../../../../lib/client/lister.ts';
import type { KubeClient, Resource } from '../../../../lib/client/port.ts';
import { controllerRevisions } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { claimObjects } from '../claim.ts';
import { equalTemplates } from '../equal.ts';
import { byController, controllerReference, orphansOf } from '../owners.ts';

export type Revision = Persisted<ControllerRevision>;

/** Pods carry it: which revision they were made of. */
export const revisionLabel = 'controller-revision-hash';

/** Names under which nothing is free are tried so often, at most, in one reconcile. */
const maxCollisions = 10;

export interface HistoryOwner extends KubeObject {
  spec: { template: PodTemplateSpec };
  status?: { collisionCount?: number };
}

/**
 * What a revision keeps: a strategic merge patch that puts the template back, which `kubectl rollout undo` sends. Its
 * keys are sorted, as kubectl compares it byte for byte with a patch of its own to see whether there is anything to undo.
 */
export function revisionData(template: PodTemplateSpec): object {
  return { spec: { template: sortedKeys({ ...template, $patch: 'replace' }) } };
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => compareText(a, b));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortedKeys(item)]));
}

export function templateOf({ data }: ControllerRevision): PodTemplateSpec | undefined {
  const { template } = (data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } })?.spec ?? {};
  if (!template) return undefined;
  const { $patch: _, ...rest } = template;
  return rest;
}

export function isRevisionOf(revision: ControllerRevision, template: PodTemplateSpec): boolean {
  return equalTemplates(revision.data, revisionData(template));
}

/** Oldest first. */
export function sortRevisions(revisions: readonly Revision[]): Revision[] {
  return revisions.toSorted(
    (a, b) =>
      a.revision - b.revision ||
      compareText(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
      compareText(a.metadata.name, b.metadata.name),
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The owner's revisions, oldest first; orphans that its selector matches are adopted. */
export async function readHistory<T extends HistoryOwner>(
  client: KubeClient,
  all: Lister<ControllerRevision>,
  resource: Resource<T>,
  owner: Persisted<T>,
  selector: Selector,
): Promise<Revision[]> {
  const orphans = all.byIndex(byController, orphansOf(owner.metadata.namespace));
  const own = all.byIndex(byController, owner.metadata.uid);
  const adopted = await claimObjects(
    { client, ownerResource: resource, owner, resource: controllerRevisions, selector },
    orphans.filter(({ metadata }) => matchesLabels(selector, metadata.labels)),
  );
  return sortRevisions([...own, ...adopted]);
}

/** How a kind names its revisions; `collisionCount` gives another name where one was taken. */
export type Naming = (collisionCount: number | undefined) => { name: string; labels: Record<string, string> };

export interface Newest {
  revision: Revision;
  /** One more for each name that was taken by something else. */
  collisionCount: number | undefined;
}

/**
 * The revision of the owner's template: the newest that there is; an older one, which becomes the newest again (a
 * rollback); or a new one.
 */
export async function newestRevision<T extends HistoryOwner>(
  client: KubeClient,
  resource: Resource<T>,
  owner: Persisted<T>,
  history: readonly Revision[],
  naming: Naming,
): Promise<Newest> {
  const { template } = owner.spec;
  const last = history.at(-1);
  const next = (last?.revision ?? 0) + 1;
  const equal = history.findLast((revision) => isRevisionOf(revision, template));
  const collisionCount = owner.status?.collisionCount;
  if (equal && equal === last) return { revision: equal, collisionCount };
  if (equal) {
    const revision = await client.update(controllerRevisions, { ...equal, revision: next });
    return { revision, collisionCount };
  }
  return createRevision(client, resource, owner, next, naming);
}

async function createRevision<T extends HistoryOwner>(
  client: KubeClient,
  resource: Resource<T>,
  owner: Persisted<T>,
  number: number,
  naming: Naming,
): Promise<Newest> {
  const { namespace, annotations } = owner.metadata;
  const { template } = owner.spec;
  let { collisionCount } = owner.status ?? {};
  for (let attempt = 0; ; attempt++) {
    const { name, labels } = naming(collisionCount);
    const metadata = {
      name,
      namespace,
      labels,
      annotations: { ...annotations },
      ownerReferences: [controllerReference(resource, owner)],
    };
    try {
      const data = revisionData(template);
      const revision = await client.create(controllerRevisions, { metadata, data, revision: number });
      return { revision, collisionCount };
    } catch (error) {
      if (!isKind(error, 'AlreadyExists') || attempt >= maxCollisions) throw error;
    }
    const taken = await client.get(controllerRevisions, { namespace, name });
    const isOurs = taken.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid);
    if (isOurs && isRevisionOf(taken, template)) return { revision: taken, collisionCount };
    collisionCount = (collisionCount ?? 0) + 1;
  }
}

/** Those past the limit, oldest first, that are not live. `history` is sorted. */
export function surplusRevisions(
  history: readonly Revision[],
  isLive: (revision: Revision) => boolean,
  limit: number,
): Revision[] {
  const past = history.filter((revision) => !isLive(revision));
  return past.slice(0, Math.max(0, past.length - limit));
}

export async function deleteRevisions(client: KubeClient, revisions: readonly Revision[]): Promise<void> {
  for (const { metadata } of revisions) {
    const { namespace, name, uid } = metadata;
    try {
      await client.delete(controllerRevisions, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (!isKind(error, 'NotFound', 'Conflict')) throw error;
    }
  }
}
