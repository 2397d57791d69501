/**
 * API priority and fairness (KEP-1040): FlowSchema and PriorityLevelConfiguration objects decide how many requests of
 * each kind are worked on at once, who waits, and who is told to come back later.
 *
 * The objects are looked at again while requests come, at most once a `refreshMs`; nothing runs in between.
 */
import type { FlowSchema, PriorityLevelConfiguration } from '../../../../lib/api/gen/types.ts';
import type { Clock } from '../../../../lib/clock.ts';
import { messageOf } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { Logger } from '../../../../lib/log.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import { bootstrapUser } from '../../authorization/bootstrap-user.ts';
import type { Stage } from '../context.ts';
import { isLongRunning, type RequestInfo } from '../request-info.ts';
import { admit, leave } from './admit.ts';
import { FlowControlState, type Schema } from './state.ts';
import { estimateWork, type ResourceLoad } from './work.ts';

export { registerFlowControlMetrics } from './metrics.ts';

export interface InFlightLimits {
  /** `--max-requests-inflight` */
  maxReadOnly: number;
  /** `--max-mutating-requests-inflight`. The two together are the seats that priority levels share. */
  maxMutating: number;
}

export const defaultInFlightLimits: InFlightLimits = { maxReadOnly: 400, maxMutating: 200 };

export interface FlowControlOptions {
  cache: WatchCache;
  clock: Clock;
  log: Logger;
  limits?: InFlightLimits;
  /** Called after the objects have changed, to set right what is not as it should be. */
  onChange?: () => Promise<void>;
  /** How long a change of the objects may take to be noticed. Default one second. */
  refreshMs?: number;
  /** How long a request waits at most: a quarter of the time it has, which by default is a minute. */
  waitLimitMs?: number;
}

export interface FlowControl {
  stage: Stage;
  state: FlowControlState;
  /** Takes over the objects as they are now; whether they have changed. */
  refresh(): Promise<boolean>;
}

const adjustmentPeriodMs = 10_000;
const loadsMs = 1_000;
const writes = new Set(['create', 'update', 'patch', 'delete']);

export function createFlowControl(options: FlowControlOptions): FlowControl {
  const { cache, clock, log, refreshMs = 1_000, waitLimitMs = 15_000 } = options;
  const { maxReadOnly, maxMutating } = options.limits ?? defaultInFlightLimits;
  const state = new FlowControlState({
    seats: maxReadOnly + maxMutating,
    clock: () => clock.now(),
    later: (ms, act) => void clock.sleep(ms).then(act),
  });
  let seen = '';
  let refreshAt = 0;
  let adjustAt = clock.now() + adjustmentPeriodMs;
  let isRefreshing = false;
  let loads = new Map<string, ResourceLoad>();
  let loadsAt = 0;

  const refresh = async (): Promise<boolean> => {
    const [schemas, levels] = await Promise.all([
      cache.list('flowcontrol.apiserver.k8s.io/flowschemas'),
      cache.list('flowcontrol.apiserver.k8s.io/prioritylevelconfigurations'),
    ]);
    const version = `${schemas.revision}/${levels.revision}`;
    if (version === seen) return false;
    state.configure(
      schemas.items.map(({ object }) => object as FlowSchema),
      levels.items.map(({ object }) => object as PriorityLevelConfiguration),
    );
    seen = version;
    return true;
  };

  const refreshInBackground = async () => {
    isRefreshing = true;
    try {
      if (await refresh()) await options.onChange?.();
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'flow schemas and priority levels could not be read');
    } finally {
      isRefreshing = false;
    }
  };

  const maintain = (now: number) => {
    if (now >= adjustAt) {
      adjustAt = now + adjustmentPeriodMs;
      state.adjust(now);
    }
    if (now >= refreshAt && !isRefreshing) {
      refreshAt = now + refreshMs;
      void refreshInBackground();
    }
  };

  const loadOf = ({ apiGroup, resource }: RequestInfo): ResourceLoad | undefined => {
    const now = clock.now();
    if (now >= loadsAt) {
      loadsAt = now + loadsMs;
      loads = new Map(cache.stats().map((one) => [one.resource, one]));
    }
    return loads.get(apiGroup ? `${apiGroup}/${resource}` : resource);
  };

  const stage: Stage = async (context, next) => {
    const { info, user, request } = context;
    const isWatch = info.verb === 'watch';
    if (!isWatch && isLongRunning(info)) return next();
    // It makes what there is to wait by.
    if (user === bootstrapUser) return next();
    maintain(clock.now());
    const schema = state.classify(info, user);
    context.responseHeaders = schema.headers;
    const work = estimateWork(info, request.query, loadOf, schema.level.maxSeats);
    if (writes.has(info.verb)) schema.stats.watches.observe(loadOf(info)?.watchers ?? 0);
    const hand = state.handOf(schema, info, user);
    const outcome = admit(schema, work, hand, {
      clock,
      // Asked for only by who has to wait: a request has none until then.
      get signal() {
        return request.signal;
      },
      limitMs: waitLimitMs,
    });
    let admission: Awaited<typeof outcome>;
    if (outcome instanceof Promise) {
      const waitsSinceMs = clock.now();
      admission = await outcome;
      context.queuedMs = clock.now() - waitsSinceMs;
    } else admission = outcome;
    if ('rejected' in admission) return tooManyRequests(schema, clock.now());
    try {
      return await next();
    } finally {
      leave(schema, admission.ticket, clock.now(), isWatch);
    }
  };
  return { stage, state, refresh };
}

/** Plain text, as upstream's filter answers. */
function tooManyRequests({ level }: Schema, now: number): ApiResponse {
  level.retryAfter.recordDrop(Math.floor(now / 1000));
  return {
    status: 429,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'retry-after': String(level.retryAfter.seconds),
      'x-content-type-options': 'nosniff',
    },
    body: Buffer.from('Too many requests, please try again later.\n'),
  };
}
