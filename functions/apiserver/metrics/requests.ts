/** `apiserver_request_*`: what was asked for, how it went and how long it took. */
import type { RequestInfo } from '../pipeline/request-info.ts';
import { isLongRunning } from '../pipeline/request-info.ts';
import { CounterFamily, HistogramFamily } from './series.ts';

export interface ObservedRequest {
  /** HTTP's. */
  method: string;
  info: RequestInfo;
  /** Whether the resource type is served; others would make a series of every path that somebody tries. */
  isServed: boolean;
  /** A patch of type apply. */
  isApply: boolean;
  dryRun: boolean;
  code: number;
  seconds: number;
  /** Of what was waited on purpose, in queues: not the server's slowness. */
  queuedSeconds: number;
  /** Undefined for a stream. */
  sizeBytes: number | undefined;
}

const where = ['group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;
const durationBuckets = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const sizeBuckets = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/** Subresources that are streams to and from a node. */
const connects = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);
const methods = new Set(['CONNECT', 'DELETE', 'GET', 'PATCH', 'POST', 'PUT']);

export interface RequestMetrics {
  observe(request: ObservedRequest): void;
  text(): string;
}

export function createRequestMetrics(): RequestMetrics {
  const total = new CounterFamily({
    name: 'apiserver_request_total',
    help: 'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
    labelNames: ['verb', 'dry_run', ...where, 'code'],
  });
  const duration = new HistogramFamily(
    {
      name: 'apiserver_request_duration_seconds',
      help: 'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
      labelNames: ['verb', 'dry_run', ...where],
    },
    durationBuckets,
  );
  const sli = new HistogramFamily(
    {
      name: 'apiserver_request_sli_duration_seconds',
      help: 'Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in seconds for each verb, group, version, resource, subresource, scope and component.',
      labelNames: ['verb', ...where],
    },
    durationBuckets,
  );
  const sizes = new HistogramFamily(
    {
      name: 'apiserver_response_sizes',
      help: 'Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.',
      labelNames: ['verb', ...where],
    },
    sizeBuckets,
  );
  return {
    observe(request) {
      const { info, isServed, code, seconds, sizeBytes } = request;
      const verb = verbOf(request);
      const dryRun = request.dryRun ? 'All' : '';
      const place = isServed
        ? ([info.apiGroup, info.apiVersion, info.resource, info.subresource, scopeOf(info)] as const)
        : (['', '', '', '', ''] as const);
      total.inc(verb, dryRun, ...place, 'apiserver', String(code));
      if (isLongRunning(info)) return;
      duration.observe(seconds, verb, dryRun, ...place, 'apiserver');
      sli.observe(Math.max(0, seconds - request.queuedSeconds), verb, ...place, 'apiserver');
      if (sizeBytes !== undefined && (verb === 'GET' || verb === 'LIST')) {
        sizes.observe(sizeBytes, verb, ...place, 'apiserver');
      }
    },
    text: () => total.text() + duration.text() + sli.text() + sizes.text(),
  };
}

/** The HTTP method, but for what it does not tell apart: these are the names that dashboards and alerts ask for. */
function verbOf({ method, info, isApply }: ObservedRequest): string {
  if (info.isResourceRequest && connects.has(info.subresource)) return 'CONNECT';
  if (info.verb === 'watch') return 'WATCH';
  if (info.verb === 'list') return 'LIST';
  if (isApply) return 'APPLY';
  if (method === 'HEAD') return 'GET';
  return methods.has(method) ? method : 'other';
}

function scopeOf(info: RequestInfo): string {
  if (!info.isResourceRequest) return '';
  if (info.name !== '' || info.verb === 'create') return 'resource';
  return info.namespace === '' ? 'cluster' : 'namespace';
}
