import type { Store } from './port.ts';

/** A store that does what is its `own` itself, and everything else as the one below it. */
export function storeOver(below: Store, own: Partial<Store>): Store {
  return {
    commit: (resource, mutations) => below.commit(resource, mutations),
    get: (resource, key) => below.get(resource, key),
    list: (resource, prefix, options) => below.list(resource, prefix, options),
    watch: (resource, from, options) => below.watch(resource, from, options),
    head: (resource) => below.head(resource),
    resources: () => below.resources(),
    close: () => below.close(),
    ...own,
  };
}
