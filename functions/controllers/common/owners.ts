import type { OwnerReference } from '../../../lib/api/gen/types.ts';
import { joinKey, type KubeObject, type Persisted } from '../../../lib/api/object.ts';
import type { Lister, ObjectChange } from '../../../lib/client/lister.ts';
import type { Resource } from '../../../lib/client/port.ts';
import { apiVersionOf } from '../../../lib/client/resources.ts';

/** The owner that manages this object; at most one has `controller: true`. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller);
}

export function controllerReference<T extends KubeObject>(
  resource: Resource<T>,
  owner: Persisted<T>,
): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** An index over managed objects: by the controller's uid, and orphans by their namespace. */
export const byController = 'controller';
export const controllerIndex: Record<typeof byController, (object: KubeObject) => string[]> = {
  [byController]: (object) => [controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace)],
};
export function orphansOf(namespace: string | undefined): string {
  return `orphans/${namespace ?? ''}`;
}

/** What the owner controls, and what nobody in its namespace does; `objects` has the `controllerIndex`. */
export function candidatesFor<T extends KubeObject>(
  objects: Lister<T>,
  { metadata }: Persisted<KubeObject>,
): Persisted<T>[] {
  return [
    ...objects.byIndex(byController, metadata.uid),
    ...objects.byIndex(byController, orphansOf(metadata.namespace)),
  ];
}

/**
 * The keys of the controllers (of one kind) that a change of a managed object concerns: the one it is of, the one it
 * was of before, and where it is nobody's, those that would take it.
 */
export function controllersConcerned<T extends KubeObject>(
  change: ObjectChange<T>,
  resource: Resource<KubeObject>,
  candidates: (orphan: T) => readonly KubeObject[],
): string[] {
  const keys = new Set<string>();
  for (const object of [change.before, change.after]) {
    if (!object) continue;
    const reference = controllerOf(object);
    if (reference) {
      if (reference.kind === resource.kind && reference.apiVersion.split('/')[0] === groupPart(resource)) {
        keys.add(joinKey(object.metadata.namespace, reference.name));
      }
    } else if (!object.metadata.deletionTimestamp) {
      for (const candidate of candidates(object)) {
        keys.add(joinKey(candidate.metadata.namespace, candidate.metadata.name ?? ''));
      }
    }
  }
  return [...keys];
}

function groupPart(resource: Resource<KubeObject>): string {
  return resource.group || resource.version;
}
