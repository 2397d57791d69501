import type { ApiResponse } from '../../../lib/http/types.ts';
import type { Stage } from './context.ts';
import { isLongRunning } from './request-info.ts';

export interface InFlightLimits {
  /** `--max-requests-inflight`: requests that only read. */
  maxReadOnly: number;
  /** `--max-mutating-requests-inflight` */
  maxMutating: number;
}

export const defaultInFlightLimits: InFlightLimits = { maxReadOnly: 400, maxMutating: 200 };

const readOnlyVerbs = new Set(['get', 'list', 'watch']);

/**
 * Bounds the requests that are worked on at once, reads and writes apart; one too many is told to come back in a
 * second. Long-running requests do not count, and administrators and the control plane's own parts are never refused,
 * so that an overloaded cluster can still be mended.
 */
export function flowControl(limits: InFlightLimits): Stage {
  const inFlight = { readOnly: 0, mutating: 0 };
  return async (context, next) => {
    const { info, user, request } = context;
    if (isLongRunning(info)) return next();
    const line = readOnlyVerbs.has(info.verb) ? 'readOnly' : 'mutating';
    const limit = line === 'readOnly' ? limits.maxReadOnly : limits.maxMutating;
    const exempt = request.peer.via === 'process' || user.groups.includes('system:masters');
    if (inFlight[line] >= limit && !exempt) return tooManyRequests();
    inFlight[line]++;
    try {
      return await next();
    } finally {
      inFlight[line]--;
    }
  };
}

/** Plain text and one second, as upstream's filter answers. */
function tooManyRequests(): ApiResponse {
  return {
    status: 429,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'retry-after': '1',
      'x-content-type-options': 'nosniff',
    },
    body: Buffer.from('Too many requests, please try again later.\n'),
  };
}
