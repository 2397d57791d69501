/** `audit.k8s.io/v1 Event`, and what is gathered for it while a request is worked on. */
import type { Status } from '../../../lib/api/gen/types.ts';
import { rfc3339Micro } from '../../../lib/clock.ts';
import type { UserInfo } from '../../../lib/http/types.ts';
import type { RequestContext } from '../pipeline/context.ts';
import { type Pieces, wholeOf } from '../pipeline/pieces.ts';
import type { AuditDecision } from './evaluate.ts';
import type { AuditLevel, AuditStage } from './policy.ts';

export interface AuditEvent {
  kind: 'Event';
  apiVersion: 'audit.k8s.io/v1';
  level: AuditLevel;
  auditID: string;
  stage: AuditStage;
  requestURI: string;
  verb: string;
  user: Partial<UserInfo>;
  impersonatedUser?: UserInfo;
  authenticationMetadata?: { impersonationConstraint: string };
  sourceIPs?: string[];
  userAgent?: string;
  objectRef?: ObjectReference;
  responseStatus?: Partial<Status>;
  requestObject?: unknown;
  responseObject?: unknown;
  requestReceivedTimestamp: string;
  stageTimestamp: string;
  annotations?: Record<string, string>;
}

interface ObjectReference {
  resource?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  apiGroup?: string;
  apiVersion?: string;
  resourceVersion?: string;
  subresource?: string;
}

/** Takes events in the order in which they happen; must not throw and must not wait. */
export type AuditSink = (event: AuditEvent) => void;

const maxUserAgentLength = 1024;

/** The audit of one request. Handlers give it what they read and what they answer, where the level asks for it. */
export class RequestAudit {
  readonly decision: AuditDecision;
  readonly #context: RequestContext;
  readonly #sink: AuditSink;
  readonly #now: () => number;
  readonly #user: UserInfo | undefined;
  #requestObject: unknown;
  #responseObject: unknown;
  #reference: ObjectReference | undefined;

  constructor(
    context: RequestContext,
    decision: AuditDecision,
    options: { sink: AuditSink; now: () => number; user: UserInfo | undefined },
  ) {
    this.#context = context;
    this.decision = decision;
    this.#sink = options.sink;
    this.#now = options.now;
    this.#user = options.user;
    const { info } = context;
    if (info.isResourceRequest) {
      this.#reference = withoutEmpty({
        resource: info.resource,
        namespace: info.namespace,
        name: info.name,
        apiGroup: info.apiGroup,
        apiVersion: info.apiVersion,
        subresource: info.subresource,
      });
    }
  }

  /** What the client sent, before anything was filled in. It is copied, as it is about to be changed. */
  sent(object: object): void {
    const meta = ((object as { metadata?: unknown }).metadata ?? {}) as Record<string, string | undefined>;
    if (this.#reference) {
      for (const field of ['namespace', 'name', 'uid', 'resourceVersion'] as const) {
        if (!this.#reference[field] && meta[field]) this.#reference[field] = meta[field];
      }
    }
    if (this.#holdsRequests()) this.#requestObject = this.#kept(structuredClone(object));
  }

  sentPatch(patch: unknown): void {
    if (this.#holdsRequests()) this.#requestObject = structuredClone(patch);
  }

  answered(object: unknown): void {
    if (this.decision.level === 'RequestResponse') this.#responseObject = this.#kept(structuredClone(object));
  }

  /** What is answered where nobody had to parse it. */
  answeredJson(json: Pieces): void {
    if (this.decision.level !== 'RequestResponse') return;
    this.#responseObject = this.#kept(JSON.parse(Buffer.from(wholeOf(json)).toString()) as unknown);
  }

  emit(stage: AuditStage, status?: Partial<Status>): void {
    const { level, omitStages } = this.decision;
    if (omitStages.includes(stage)) return;
    const { request, receivedAtMs, user, auditID, auditAnnotations, info } = this.#context;
    const { impersonationConstraint } = this.#context;
    const query = request.query.toString();
    const userAgent = request.headers['user-agent'];
    const ips = sourceIps(request);
    const isImpersonated = this.#user !== undefined && user !== this.#user && stage !== 'RequestReceived';
    this.#sink({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level,
      auditID,
      stage,
      requestURI: query ? `${request.path}?${query}` : request.path,
      verb: info.verb,
      user: this.#user ?? {},
      ...(isImpersonated && { impersonatedUser: user }),
      ...(isImpersonated &&
        impersonationConstraint && { authenticationMetadata: { impersonationConstraint } }),
      ...(ips.length > 0 && { sourceIPs: ips }),
      ...(userAgent && {
        userAgent:
          userAgent.length > maxUserAgentLength
            ? `${userAgent.slice(0, maxUserAgentLength)}...TRUNCATED`
            : userAgent,
      }),
      ...(this.#reference && { objectRef: this.#reference }),
      ...(status && { responseStatus: status }),
      ...(this.#requestObject !== undefined && { requestObject: this.#requestObject }),
      ...(this.#responseObject !== undefined && { responseObject: this.#responseObject }),
      requestReceivedTimestamp: rfc3339Micro(receivedAtMs),
      stageTimestamp: rfc3339Micro(this.#now()),
      ...(Object.keys(auditAnnotations).length > 0 && { annotations: { ...auditAnnotations } }),
    });
  }

  #holdsRequests(): boolean {
    return this.decision.level === 'Request' || this.decision.level === 'RequestResponse';
  }

  #kept(object: unknown): unknown {
    if (!this.decision.omitManagedFields || object === null || typeof object !== 'object') return object;
    const { items, rows } = object as { items?: unknown[]; rows?: { object?: unknown }[] };
    for (const one of [object, ...(items ?? []), ...(rows ?? []).map((row) => row.object)]) {
      const metadata = (one as { metadata?: { managedFields?: unknown } } | undefined)?.metadata;
      if (metadata) delete metadata.managedFields;
    }
    return object;
  }
}

function sourceIps({ headers, peer }: RequestContext['request']): string[] {
  const forwarded = (headers['x-forwarded-for'] ?? '').split(',').map((one) => one.trim());
  const direct = peer.via === 'process' ? [] : [peer.address];
  return [...new Set([...forwarded, headers['x-real-ip'] ?? '', ...direct])].filter((one) => one !== '');
}

function withoutEmpty(reference: ObjectReference): ObjectReference {
  return Object.fromEntries(Object.entries(reference).filter(([, value]) => value !== ''));
}
