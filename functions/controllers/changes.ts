import type { KubeObject } from '../../lib/api/object.ts';
import type { ObjectChange } from '../../lib/client/lister.ts';
import type { Resource } from '../../lib/client/port.ts';
import type { Change, Entry } from '../../lib/store/port.ts';
import { StoredObject } from '../../lib/store/cache/stored-object.ts';
import type { Controller } from './controller.ts';

/** A change of the store's log as informers show it: a deletion with the last state as what was before. */
export function objectChange({ key, revision, before, after, last }: Change): ObjectChange {
  const object = (entry: Entry | undefined) => entry && StoredObject.from(entry).object;
  return {
    before: last ? object({ key, revision, body: last }) : object(before),
    after: object(after),
  };
}

/** The store's name of a type: `pods`, `apps/deployments`. */
export function storeNameOf({ group, plural }: Resource<KubeObject>): string {
  return group ? `${group}/${plural}` : plural;
}

/** Every type that one of the controllers watches, by the store's name. */
export function watchedResources(controllers: readonly Controller[]): Map<string, Resource<KubeObject>> {
  return new Map(
    controllers.flatMap(({ watches }) =>
      watches.map(({ resource }) => [storeNameOf(resource), resource] as const),
    ),
  );
}
