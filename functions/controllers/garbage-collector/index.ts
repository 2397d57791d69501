import type { OwnerReference } from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import type { DiscoveredResource } from '../../../lib/client/port.ts';
import { isKind } from '../../../lib/errors.ts';
import { semanticEqual } from '../common/equal.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';
import { createOwnerGraph, foregroundFinalizer, type Item, itemKey, orphanFinalizer } from './graph.ts';
import { confirmDangling, isWaiting, type Owners, sortOwners } from './owners.ts';

/**
 * Deletes what its owners left behind, and sees owners out that are deleted in the foreground or leave orphans
 * (Garbage Collection, "Cascading deletion"). Keys are of any type, and each is looked at by itself.
 */
export const garbageCollectorController: ControllerEntry = {
  name: 'garbage-collector',
  component: 'garbage-collector-controller',
  concurrency: 20,
  create,
};

async function create({ client, informer, recorder, enqueue, log }: ControllerContext): Promise<Controller> {
  const { resources, failures } = await client.discover();
  if (failures.length > 0) log.warn({ failures }, 'not every type could be discovered');
  const graph = createOwnerGraph(resources.filter(isCollectable), informer);

  /** Waits for dependents that block, and asks for their deletion; then lets the owner go. */
  async function deleteInForeground(item: Item): Promise<void> {
    await graph.catchUp();
    const { uid } = item.object.metadata;
    const blocking = graph
      .dependents(uid)
      .filter(({ object }) => referenceTo(object, uid)?.blockOwnerDeletion === true);
    if (blocking.length === 0) return removeFinalizer(item, foregroundFinalizer);
    for (const dependent of blocking) enqueue(itemKey(dependent));
  }

  async function orphanDependents(item: Item): Promise<void> {
    await graph.catchUp();
    const { uid } = item.object.metadata;
    for (const dependent of graph.dependents(uid)) await removeReferences(dependent, [uid]);
    await removeFinalizer(item, orphanFinalizer);
  }

  async function removeFinalizer({ resource, object }: Item, finalizer: string): Promise<void> {
    const { namespace, name, uid, resourceVersion, finalizers } = object.metadata;
    const left = finalizers?.filter((other) => other !== finalizer) ?? [];
    const patch = { metadata: { uid, resourceVersion, finalizers: left } };
    await ignoreGone(client.patch(resource, { namespace, name }, { type: 'merge', patch }));
  }

  async function removeReferences({ resource, object }: Item, uids: readonly string[]): Promise<void> {
    const { namespace, name, uid, resourceVersion, ownerReferences } = object.metadata;
    const left = ownerReferences?.filter((reference) => !uids.includes(reference.uid)) ?? [];
    const patch = { metadata: { uid, resourceVersion, ownerReferences: left } };
    await ignoreGone(client.patch(resource, { namespace, name }, { type: 'merge', patch }));
  }

  async function collect(item: Item, owners: Owners): Promise<void> {
    const { resource, object } = item;
    const gone = [...owners.dangling, ...owners.waiting];
    if (gone.length === 0 || owners.unknown.length > 0) return;
    if (owners.solid.length > 0) {
      return removeReferences(
        item,
        gone.map((reference) => reference.uid),
      );
    }
    const { namespace, name, uid, resourceVersion, finalizers = [] } = object.metadata;
    const dependents = graph.dependents(uid);
    let propagationPolicy: 'Background' | 'Foreground' | 'Orphan' = 'Background';
    if (finalizers.includes(orphanFinalizer)) propagationPolicy = 'Orphan';
    else if (finalizers.includes(foregroundFinalizer)) propagationPolicy = 'Foreground';
    if (owners.waiting.length > 0 && dependents.length > 0) {
      propagationPolicy = 'Foreground';
      // Two that wait for each other would wait for ever.
      if (dependents.some(isWaiting)) await unblock(item);
    }
    const preconditions = dependents.some(isWaiting) ? { uid } : { uid, resourceVersion };
    await ignoreGone(client.delete(resource, { namespace, name }, { propagationPolicy, preconditions }));
  }

  async function unblock({ resource, object }: Item): Promise<void> {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const ownerReferences = object.metadata.ownerReferences?.map((reference) => ({
      ...reference,
      blockOwnerDeletion: false,
    }));
    const patch = { metadata: { uid, resourceVersion, ownerReferences } };
    await ignoreGone(client.patch(resource, { namespace, name }, { type: 'merge', patch }));
  }

  /** Read past the informers, for what is about to be deleted. */
  async function fresh({ resource, object }: Item): Promise<Item | undefined> {
    const { namespace, name, uid } = object.metadata;
    try {
      const found = await client.get(resource, { namespace, name });
      return found.metadata.uid === uid ? { resource, object: found } : undefined;
    } catch (error) {
      if (isKind(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async function reconcile(key: string): Promise<Result> {
    const seen = graph.find(key);
    if (!seen || !needsAttention(seen)) return done;
    const item = await fresh(seen);
    if (!item) return done;
    const { deletionTimestamp, finalizers } = item.object.metadata;
    if (deletionTimestamp) {
      if (finalizers?.includes(orphanFinalizer)) await orphanDependents(item);
      else if (finalizers?.includes(foregroundFinalizer)) await deleteInForeground(item);
      return done;
    }
    const owners = sortOwners(graph, item);
    reportInvalid(item, owners);
    await collect(item, await confirmDangling(client, graph, item, owners));
    return done;
  }

  function needsAttention(item: Item): boolean {
    const { deletionTimestamp, finalizers, ownerReferences } = item.object.metadata;
    if (deletionTimestamp) {
      return Boolean(finalizers?.includes(orphanFinalizer) || finalizers?.includes(foregroundFinalizer));
    }
    if (!ownerReferences?.length) return false;
    const { dangling, waiting, invalid } = sortOwners(graph, item);
    return dangling.length + waiting.length + invalid.length > 0;
  }

  function reportInvalid({ object }: Item, { invalid, dangling }: Owners): void {
    for (const reference of [...invalid, ...dangling.filter((owner) => existsElsewhere(object, owner))]) {
      const { apiVersion, kind, name, uid } = reference;
      const words = `[${apiVersion}/${kind}, namespace: ${object.metadata.namespace ?? ''}, name: ${name}, uid: ${uid}]`;
      const message = `ownerRef ${words} does not exist in namespace "${object.metadata.namespace ?? ''}"`;
      recorder.event(object, 'Warning', 'OwnerRefInvalidNamespace', message);
    }
  }

  /** An owner has to be in its dependent's namespace; one that is elsewhere counts as gone. */
  function existsElsewhere(object: KubeObject, reference: OwnerReference): boolean {
    const type = graph.typeOf(reference);
    if (!type?.namespaced || !object.metadata.namespace) return false;
    return informer(type)
      .list()
      .some(
        ({ metadata }) => metadata.uid === reference.uid && metadata.namespace !== object.metadata.namespace,
      );
  }

  function keys(resource: DiscoveredResource, { before, after }: ObjectChange): string[] {
    const object = after ?? before;
    if (!object) return [];
    const found = new Set<string>();
    if (!after) for (const dependent of graph.dependents(object.metadata.uid)) found.add(itemKey(dependent));
    const refsChanged =
      !before ||
      before === after ||
      !semanticEqual(before.metadata.ownerReferences, after?.metadata.ownerReferences);
    if (
      after &&
      (after.metadata.deletionTimestamp || (refsChanged && after.metadata.ownerReferences?.length))
    ) {
      if (needsAttention({ resource, object: after })) found.add(itemKey({ resource, object: after }));
    }
    if (!after || refsChanged) {
      // Owners that wait for their dependents are told of each that goes or is let go.
      for (const reference of [before, after].flatMap((of) => of?.metadata.ownerReferences ?? [])) {
        const owner = graph.owner(reference, object.metadata.namespace);
        if (owner && isWaiting(owner)) found.add(itemKey(owner));
      }
    }
    return [...found];
  }

  return {
    name: 'garbage-collector',
    watches: graph.resources.map((resource) => watchOf(resource, (change) => keys(resource, change))),
    reconcile,
  };
}

/** Events live for an hour whatever they are about. */
function isCollectable({ plural, verbs }: DiscoveredResource): boolean {
  return plural !== 'events' && ['list', 'watch', 'delete', 'patch'].every((verb) => verbs.includes(verb));
}

function referenceTo({ metadata }: KubeObject, uid: string): OwnerReference | undefined {
  return metadata.ownerReferences?.find((reference) => reference.uid === uid);
}

async function ignoreGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
  }
}
