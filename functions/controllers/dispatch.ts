import type { KubeObject } from '../../lib/api/object.ts';
import type { ObjectChange } from '../../lib/client/lister.ts';
import type { Resource } from '../../lib/client/port.ts';
import type { WorkItem } from '../../lib/queue/port.ts';
import type { Controller } from './controller.ts';

/** Which keys of which controllers a change concerns; each at most once. */
export function dispatch<T extends KubeObject>(
  controllers: readonly Controller[],
  resource: Resource<T>,
  change: ObjectChange<T>,
): WorkItem[] {
  return controllers.flatMap(({ name, watches }) => {
    const keys = new Set(
      watches
        .filter((watch) => sameResource(watch.resource, resource))
        .flatMap((watch) => watch.keys(change as ObjectChange)),
    );
    return [...keys].map((key) => ({ controller: name, key }));
  });
}

function sameResource(one: Resource<KubeObject>, other: Resource<KubeObject>): boolean {
  return one.group === other.group && one.version === other.version && one.plural === other.plural;
}
