/** Records requests as the audit policy asks (API reference, "Auditing"). */
import type { Status } from '../../../lib/api/gen/types.ts';
import { toStatus } from '../../../lib/api/status.ts';
import { isKind } from '../../../lib/errors.ts';
import type { ApiResponse } from '../../../lib/http/types.ts';
import { decideAudit } from '../audit/evaluate.ts';
import { type AuditSink, RequestAudit } from '../audit/event.ts';
import type { AuditPolicy } from '../audit/policy.ts';
import type { Stage } from './context.ts';
import { isLongRunning } from './request-info.ts';

export interface AuditOptions {
  policy: AuditPolicy;
  sink: AuditSink;
}

/** After authentication, before impersonation: who really asked is on record, and as whom. */
export function audit({ policy, sink }: AuditOptions, now: () => number): Stage {
  return async (context, next) => {
    const { user, info } = context;
    const decision = decideAudit(policy, info, user);
    if (decision.level === 'None') return next();
    const recorded = new RequestAudit(context, decision, { sink, now, user });
    context.audit = recorded;
    recorded.emit('RequestReceived');
    const longRunning = isLongRunning(info);
    let response: ApiResponse;
    try {
      response = await next();
    } catch (error) {
      const { status } = toStatus(error);
      recorded.answered(status);
      const { kind: _, apiVersion: __, ...said } = status;
      if (longRunning) recorded.emit('ResponseStarted', said);
      recorded.emit('ResponseComplete', said);
      throw error;
    }
    const said: Partial<Status> = { metadata: {}, code: response.upgrade ? 101 : response.status };
    if (longRunning) recorded.emit('ResponseStarted', said);
    const { body } = response;
    if (!longRunning || body === undefined || body instanceof Uint8Array) {
      recorded.emit('ResponseComplete', said);
      return response;
    }
    return { ...response, body: untilEnd(body, () => recorded.emit('ResponseComplete', said)) };
  };
}

async function* untilEnd(body: AsyncIterable<Uint8Array>, ended: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    ended();
  }
}

/** Before authentication: those whom it turned away are on record too, without a name. */
export function failedAuthenticationAudit({ policy, sink }: AuditOptions, now: () => number): Stage {
  return async (context, next) => {
    try {
      return await next();
    } catch (error) {
      if (isKind(error, 'Unauthorized') && !context.audit) {
        const decision = decideAudit(policy, context.info, undefined);
        if (decision.level !== 'None') {
          const recorded = new RequestAudit(context, decision, { sink, now, user: undefined });
          const attempted = context.request.headers.authorization ? 'bearer' : '<none>';
          const message = `Authentication failed, attempted: ${attempted}`;
          const status = { metadata: {}, status: 'Failure', message, reason: 'Unauthorized', code: 401 };
          recorded.emit('ResponseStarted', status);
        }
      }
      throw error;
    }
  };
}
