/** `/metrics`, under the names that kube-apiserver gives its metrics, so that its dashboards and alerts work. */
import { readdirSync } from 'node:fs';
import { Gauge, Registry } from 'prom-client';
import type { ApiResponse } from '../../../lib/http/types.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import { isLongRunning, type RequestInfo } from '../pipeline/request-info.ts';
import { versionInfo } from '../version.ts';
import { createRequestMetrics, type RequestMetrics } from './requests.ts';
import { splitType } from './storage.ts';

export { measuredStore } from './storage.ts';

export interface Metrics extends Pick<RequestMetrics, 'observe'> {
  /** For metrics of other parts. */
  registry: Registry;
  /** A request is worked on from now until the function that is given back is called. */
  begin(info: RequestInfo): () => void;
  respond(): Promise<ApiResponse>;
}

const readOnly = new Set(['get', 'list', 'watch']);

/** @param more Further metrics, in the text format. */
export function createMetrics(cache: () => WatchCache, more: readonly (() => string)[] = []): Metrics {
  const registry = new Registry();
  const requests = createRequestMetrics();
  const inFlight = { readOnly: 0, mutating: 0 };
  register(registry, cache, inFlight);
  const done = () => undefined;
  const ends = {
    readOnly: () => void inFlight.readOnly--,
    mutating: () => void inFlight.mutating--,
  };
  return {
    registry,
    observe: requests.observe,
    begin(info) {
      if (isLongRunning(info)) return done;
      const kind = readOnly.has(info.verb) ? 'readOnly' : 'mutating';
      inFlight[kind]++;
      return ends[kind];
    },
    async respond() {
      const parts = [await registry.metrics(), requests.text(), ...more.map((text) => text())];
      return {
        status: 200,
        headers: { 'content-type': registry.contentType },
        body: Buffer.from(parts.join('')),
      };
    },
  };
}

function register(
  registry: Registry,
  cache: () => WatchCache,
  inFlight: Readonly<Record<'readOnly' | 'mutating', number>>,
): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    collect: (set: (value: number, labels?: Record<string, string>) => void) => void,
  ) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        collect((value, labels = {}) => this.set(labels, value));
      },
    });
  gauge(
    'apiserver_current_inflight_requests',
    'Maximal number of currently used inflight request limit of this apiserver per request kind in last second.',
    ['request_kind'],
    (set) => {
      for (const kind of ['readOnly', 'mutating'] as const) set(inFlight[kind], { request_kind: kind });
    },
  );
  gauge(
    'apiserver_longrunning_requests',
    'Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.',
    ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'],
    (set) => {
      for (const one of cache().stats()) {
        const [group, resource] = splitType(one.resource);
        const place = { version: '', subresource: '', scope: '', component: 'apiserver' };
        set(one.watchers, { verb: 'WATCH', group, resource, ...place });
      }
    },
  );
  gauge(
    'apiserver_storage_objects',
    'Number of stored objects at the time of last check split by kind.',
    ['resource'],
    (set) => {
      for (const one of cache().stats()) {
        const [group, resource] = splitType(one.resource);
        set(one.objects, { resource: group ? `${resource}.${group}` : resource });
      }
    },
  );
  gauge(
    'apiserver_resource_objects',
    'Number of stored objects at the time of last check split by kind.',
    ['group', 'resource'],
    (set) => {
      for (const one of cache().stats()) {
        const [group, resource] = splitType(one.resource);
        set(one.objects, { group, resource });
      }
    },
  );
  const { gitVersion = '', gitCommit = '', gitTreeState = '', buildDate = '', ...version } = versionInfo();
  const { major = '', minor = '', goVersion = '', compiler = '', platform = '' } = version;
  const build = {
    major,
    minor,
    git_version: gitVersion,
    git_commit: gitCommit,
    git_tree_state: gitTreeState,
    build_date: buildDate,
    go_version: goVersion,
    compiler,
    platform,
  };
  gauge(
    'kubernetes_build_info',
    "A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
    Object.keys(build),
    (set) => set(1, build),
  );
  registerProcess(gauge);
}

type AddGauge = (
  name: string,
  help: string,
  labelNames: readonly string[],
  collect: (set: (value: number) => void) => void,
) => unknown;

/** Those of Prometheus' process collector, without what would have to run all the time. */
function registerProcess(gauge: AddGauge): void {
  gauge('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.', [], (set) => {
    const { user, system } = process.cpuUsage();
    set((user + system) / 1e6);
  });
  gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', [], (set) =>
    set(process.memoryUsage.rss()),
  );
  const startSeconds = performance.timeOrigin / 1000;
  gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', [], (set) =>
    set(startSeconds),
  );
  if (process.platform !== 'linux') return;
  gauge('process_open_fds', 'Number of open file descriptors.', [], (set) =>
    set(readdirSync('/proc/self/fd').length),
  );
}
