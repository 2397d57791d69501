import type { WorkItem } from '../../lib/queue/port.ts';

/**
 * A change whose mapping needs more objects than `dispatch` has in memory waits as an item of its own, under this name,
 * and is mapped where the controller runs: by type and revision it is found in the store's log.
 */
export const deferredName = 'dispatch';

export interface DeferredChange {
  controller: string;
  /** The store's name of the type: `apps/deployments`. */
  resource: string;
  revision: number;
}

export function deferredItem({ controller, resource, revision }: DeferredChange): WorkItem {
  return { controller: deferredName, key: `${controller}|${resource}|${revision}` };
}

/** @throws TypeError for a key that none of ours wrote. */
export function parseDeferred(key: string): DeferredChange {
  const [controller = '', resource = '', revision = ''] = key.split('|');
  if (!controller || !resource || !/^\d+$/.test(revision)) {
    throw new TypeError(`key: Invalid value: ${JSON.stringify(key)}: must be CONTROLLER|RESOURCE|REVISION`);
  }
  return { controller, resource, revision: Number(revision) };
}
