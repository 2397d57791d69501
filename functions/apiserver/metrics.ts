import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ApiResponse } from '../../lib/http/types.ts';
import type { WatchCache } from '../../lib/store/cache/index.ts';
import type { RequestInfo } from './pipeline/request-info.ts';

export interface Metrics {
  /** Where other parts of the server put theirs. */
  registry: Registry;
  begin(info: RequestInfo): () => void;
  observe(info: RequestInfo, code: number, seconds: number, dryRun: string): void;
  respond(): Promise<ApiResponse>;
}

/** Under the names that kube-apiserver gives them, so that its dashboards and alerts work. */
export function createMetrics(cache: WatchCache): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const of = ['group', 'version', 'resource', 'subresource', 'scope'] as const;
  const total = new Counter({
    name: 'apiserver_request_total',
    help: 'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
    labelNames: ['verb', 'dry_run', ...of, 'component', 'code'],
    registers,
  });
  const duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
    labelNames: ['verb', 'dry_run', ...of, 'component'],
    buckets: [
      0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
    ],
    registers,
  });
  const inflight = new Gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Maximal number of currently used inflight request limit of this apiserver per request kind in last second.',
    labelNames: ['request_kind'],
    registers,
  });
  const objects = new Gauge({
    name: 'apiserver_storage_objects',
    help: 'Number of stored objects at the time of last check split by kind.',
    labelNames: ['resource'],
    registers,
    collect() {
      for (const one of cache.stats()) this.set({ resource: one.resource }, one.objects);
    },
  });
  const watchers = new Gauge({
    name: 'apiserver_longrunning_requests',
    help: 'Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component.',
    labelNames: ['verb', 'resource', 'component'],
    registers,
    collect() {
      for (const one of cache.stats())
        this.set({ verb: 'WATCH', resource: one.resource, component: 'apiserver' }, one.watchers);
    },
  });
  void objects;
  void watchers;
  const labels = (info: RequestInfo, dryRun: string) => ({
    verb: info.verb.toUpperCase(),
    dry_run: dryRun,
    group: info.apiGroup,
    version: info.apiVersion,
    resource: info.resource,
    subresource: info.subresource,
    scope: info.name ? 'resource' : info.namespace ? 'namespace' : info.isResourceRequest ? 'cluster' : '',
    component: 'apiserver',
  });
  return {
    registry,
    begin(info) {
      const kind = { request_kind: ['get', 'list', 'watch'].includes(info.verb) ? 'readOnly' : 'mutating' };
      inflight.inc(kind);
      return () => inflight.dec(kind);
    },
    observe(info, code, seconds, dryRun) {
      const values = labels(info, dryRun);
      total.inc({ ...values, code: String(code) });
      duration.observe(values, seconds);
    },
    async respond() {
      return {
        status: 200,
        headers: { 'content-type': registry.contentType },
        body: Buffer.from(await registry.metrics()),
      };
    },
  };
}
