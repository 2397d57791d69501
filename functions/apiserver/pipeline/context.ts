import type { ApiRequest, ApiResponse, UserInfo } from '../../../lib/http/types.ts';
import type { RequestAudit } from '../audit/event.ts';
import type { RequestInfo } from './request-info.ts';

/** One request on its way through the pipeline. Each stage fills in what the stages after it rely on. */
export interface RequestContext {
  /** Authentication takes out of it what nobody after it may see. */
  request: ApiRequest;
  readonly info: RequestInfo;
  /** The path could mean two things: nothing is served, whoever asks. */
  readonly isUnreadable?: boolean;
  /** Milliseconds since the epoch. */
  readonly receivedAtMs: number;
  /** Set by authentication; impersonation may replace it. */
  user: UserInfo;
  /** The verb by which a constrained mode of impersonation let the user be taken on: `impersonate:user-info`. */
  impersonationConstraint?: string;
  /** Each becomes a `Warning: 299` header of the response (KEP-1693). */
  readonly warnings: string[];
  /** How long flow control made it wait. */
  queuedMs?: number;
  /** `Audit-ID`: the client's own where it brings one. */
  readonly auditID: string;
  /** Set where the audit policy wants this request recorded. */
  audit?: RequestAudit;
  /** What stages and admission plugins add to the request's audit event: `pod-security.kubernetes.io/enforce-policy`. */
  readonly auditAnnotations: Record<string, string>;
  /** Go onto the response whatever becomes of the request. */
  responseHeaders?: Readonly<Record<string, string>>;
}

/** One step of the pipeline: answers by itself, or calls `next` and may look at what comes back. */
export type Stage = (context: RequestContext, next: () => Promise<ApiResponse>) => Promise<ApiResponse>;

/** Runs the stages in order; the last one's `next` is `end`. */
export function compose(
  stages: readonly Stage[],
  end: (context: RequestContext) => Promise<ApiResponse>,
): (context: RequestContext) => Promise<ApiResponse> {
  return (context) => {
    const run = (index: number): Promise<ApiResponse> => {
      const stage = stages[index];
      return stage ? stage(context, () => run(index + 1)) : end(context);
    };
    return run(0);
  };
}
