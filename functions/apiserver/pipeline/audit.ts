import { randomUUID } from 'node:crypto';
import type { ApiResponse, UserInfo } from '../../../lib/http/types.ts';
import type { RequestContext, Stage } from './context.ts';

/** What is known of a request once it was answered. `audit.k8s.io/v1 Event` is made from it where a policy asks for one. */
export interface AuditRecord {
  auditID: string;
  verb: string;
  requestURI: string;
  user: UserInfo;
  sourceIPs: string[];
  userAgent: string | undefined;
  code: number;
  receivedAtMs: number;
  completedAtMs: number;
}

/** Takes records in; must not throw and must not wait. */
export type AuditSink = (record: AuditRecord) => void;

/** Gives each request its `Audit-ID` (the client's own where it brings one) and hands a record of it to the sink. */
export function audit(sink: AuditSink | undefined, now: () => number): Stage {
  return async (context, next) => {
    const auditID = context.request.headers['audit-id']?.slice(0, 64) || randomUUID();
    const response = await next();
    response.headers['audit-id'] = auditID;
    sink?.(record(context, response, auditID, now()));
    return response;
  };
}

function record(
  context: RequestContext,
  response: ApiResponse,
  auditID: string,
  completedAtMs: number,
): AuditRecord {
  const { request, info, user, receivedAtMs } = context;
  const query = request.query.toString();
  return {
    auditID,
    verb: info.verb,
    requestURI: query ? `${request.path}?${query}` : request.path,
    user,
    sourceIPs: request.peer.via === 'process' ? [] : [request.peer.address],
    userAgent: request.headers['user-agent'],
    code: response.upgrade ? 101 : response.status,
    receivedAtMs,
    completedAtMs,
  };
}
