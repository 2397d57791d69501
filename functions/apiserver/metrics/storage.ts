/** `etcd_request*`: calls to the store, under the names by which dashboards know them. */
import { storeOver } from '../../../lib/store/delegate.ts';
import type { Mutation, Store } from '../../../lib/store/port.ts';
import { CounterFamily, HistogramFamily } from './series.ts';

const labelNames = ['operation', 'group', 'resource'] as const;
const buckets = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

/** Counts and times what is asked of a store. `now` is in milliseconds and never goes back. */
export function measuredStore(store: Store, now: () => number): { store: Store; text(): string } {
  const total = new CounterFamily({
    name: 'etcd_requests_total',
    help: 'Etcd request counts for each operation and object type.',
    labelNames,
  });
  const errors = new CounterFamily({
    name: 'etcd_request_errors_total',
    help: 'Etcd failed request counts for each operation and object type.',
    labelNames,
  });
  const duration = new HistogramFamily(
    {
      name: 'etcd_request_duration_seconds',
      help: 'Etcd request latency in seconds for each operation and object type.',
      labelNames,
    },
    buckets,
  );
  const measured = async <T>(operation: string, type: string, call: Promise<T>): Promise<T> => {
    const [group, resource] = splitType(type);
    const startedAt = now();
    total.inc(operation, group, resource);
    try {
      return await call;
    } catch (error) {
      errors.inc(operation, group, resource);
      throw error;
    } finally {
      duration.observe((now() - startedAt) / 1000, operation, group, resource);
    }
  };
  return {
    store: storeOver(store, {
      commit: (type, mutations) => measured(operationOf(mutations), type, store.commit(type, mutations)),
      get: (type, key) => measured('get', type, store.get(type, key)),
      list: (type, prefix, options) => measured('list', type, store.list(type, prefix, options)),
    }),
    text: () => total.text() + errors.text() + duration.text(),
  };
}

function operationOf(mutations: readonly Mutation[]): string {
  const [first] = mutations;
  return first === undefined || first.op === 'replace' ? 'update' : first.op;
}

/** `apps/deployments`, or `pods` of the core group. */
export function splitType(type: string): [group: string, resource: string] {
  const slash = type.indexOf('/');
  return slash < 0 ? ['', type] : [type.slice(0, slash), type.slice(slash + 1)];
}
