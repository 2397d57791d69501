import type { RestorableStore } from '../../../lib/store/port.ts';

/**
 * A store that has nothing of what others wrote to the table below it: its types are its own by a prefix that nobody else
 * has. What it is asked of a type, and what it answers, is the store's below.
 */
export function storeOfOwnTypes(below: RestorableStore, prefix: string): RestorableStore {
  return {
    commit: (resource, mutations) => below.commit(prefix + resource, mutations),
    get: (resource, key) => below.get(prefix + resource, key),
    list: (resource, start, options) => below.list(prefix + resource, start, options),
    watch: (resource, from, options) => below.watch(prefix + resource, from, options),
    head: (resource) => below.head(prefix + resource),
    advance: (resource, revision) => below.advance(prefix + resource, revision),
    async resources() {
      const all = await below.resources();
      return all.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length));
    },
    close: () => below.close(),
  };
}
