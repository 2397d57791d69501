/** Asks a remote service with a SubjectAccessReview over HTTPS ("Webhook Mode"). */
import type {
  ResourceAttributes,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
} from '../../../../lib/api/gen/types.ts';
import { backoffMs } from '../../../../lib/client/backoff.ts';
import { readText } from '../../../../lib/client/body.ts';
import { createHttpsTransport, type HttpsTransportOptions } from '../../../../lib/client/https.ts';
import type { ReviewCondition } from '../../../../lib/cel/index.ts';
import type { Clock } from '../../../../lib/clock.ts';
import { messageOf } from '../../../../lib/errors.ts';
import type { Logger } from '../../../../lib/log.ts';
import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from '../port.ts';
import { DecisionCache } from './decision-cache.ts';
import { conditionsHold } from './match-conditions.ts';

export interface WebhookOptions {
  connection: Pick<HttpsTransportOptions, 'server' | 'ca' | 'clientCertificate' | 'token' | 'serverName'>;
  /** How long a yes is believed. Default 5 min. */
  authorizedTtlMs?: number;
  /** How long anything else is believed. Default 30 s. */
  unauthorizedTtlMs?: number;
  /** Of one try. Default 10 s. */
  timeoutMs?: number;
  /** What a request is told when the service has no answer. Default: it is denied. */
  failurePolicy?: 'Deny' | 'NoOpinion';
  /** In which version the service is asked. Default v1. */
  reviewVersion?: 'v1' | 'v1beta1';
  /** Where one is false the service is not asked, and has no opinion. Default: none. */
  matchConditions?: readonly ReviewCondition[];
}

const maxRemembered = 8192;
/** Longer questions are asked each time, so that a few of them cannot fill the memory. */
const maxRememberedBytes = 10_000;
const maxTries = 5;
const retry = { baseMs: 500, maxMs: 2_000 };
const maxAnswerBytes = 1024 * 1024;

export function createWebhookAuthorizer(
  options: WebhookOptions,
  context: { clock: Clock; log: Logger; signal: AbortSignal; random?: () => number },
): Authorizer {
  const { clock, log, signal, random = Math.random } = context;
  const { authorizedTtlMs = 300_000, unauthorizedTtlMs = 30_000, timeoutMs = 10_000 } = options;
  const { reviewVersion = 'v1', matchConditions = [] } = options;
  const onFailure = options.failurePolicy === 'NoOpinion' ? 'noOpinion' : 'deny';
  const { transport, close } = createHttpsTransport({ ...options.connection, clock });
  signal.addEventListener('abort', close, { once: true });
  const remembered = new DecisionCache<SubjectAccessReviewStatus>(clock, maxRemembered);

  const ask = async (body: Uint8Array): Promise<SubjectAccessReviewStatus> => {
    for (let tries = 1; ; tries++) {
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        const answer = await transport({
          method: 'POST',
          path: new URL(options.connection.server).pathname === '/' ? '/' : '',
          query: new URLSearchParams({ timeout: `${timeoutMs / 1000}s` }),
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body,
          signal: AbortSignal.any([signal, timeout]),
        });
        const text = await readText(answer.body);
        if (answer.status >= 200 && answer.status < 300) return statusOf(text);
        throw new WebhookFailure(`the webhook answered ${answer.status}`, isTransient(answer.status));
      } catch (error) {
        if (timeout.aborted) {
          throw new WebhookFailure(`the webhook did not answer within ${timeoutMs / 1000}s`, false);
        }
        const isFinal = error instanceof WebhookFailure && !error.isTransient;
        if (isFinal || tries >= maxTries || signal.aborted) throw error;
        await clock.sleep(backoffMs(tries - 1, { ...retry, random }), signal);
      }
    }
  };

  return {
    async authorize(attributes) {
      const spec = specOf(attributes);
      try {
        if (!conditionsHold(matchConditions, spec)) return { decision: 'noOpinion' };
        const key = JSON.stringify(spec);
        const known = remembered.get(key);
        if (known) return decisionOf(known);
        const status = await ask(Buffer.from(JSON.stringify(reviewOf(spec, reviewVersion))));
        if (key.length < maxRememberedBytes) {
          remembered.set(key, status, status.allowed ? authorizedTtlMs : unauthorizedTtlMs);
        }
        return decisionOf(status);
      } catch (error) {
        log.error({ err: messageOf(error) }, 'the authorization webhook has no answer');
        return { decision: onFailure, error: messageOf(error) };
      }
    },
    rulesFor: () =>
      Promise.resolve({
        resourceRules: [],
        nonResourceRules: [],
        incomplete: true,
        errors: ['webhook authorizer does not support user rule resolution'],
      }),
  };
}

/** `isTransient`: asking again may help. */
class WebhookFailure extends Error {
  override readonly name = 'WebhookFailure';
  readonly isTransient: boolean;

  constructor(message: string, transient: boolean) {
    super(message);
    this.isTransient = transient;
  }
}

function isTransient(status: number): boolean {
  return status === 429 || status >= 500;
}

function statusOf(text: string): SubjectAccessReviewStatus {
  if (text.length > maxAnswerBytes) throw new WebhookFailure('the webhook answered too much', false);
  let review: Partial<SubjectAccessReview> | null;
  try {
    review = JSON.parse(text) as Partial<SubjectAccessReview> | null;
  } catch {
    throw new WebhookFailure('the webhook answered with something that is not JSON', false);
  }
  const status = review?.status;
  if (review?.kind !== 'SubjectAccessReview' || status === null || typeof status !== 'object') {
    throw new WebhookFailure('the webhook did not answer with a SubjectAccessReview', false);
  }
  // Nothing but a plain true allows.
  const { allowed, denied, reason } = status;
  return {
    allowed: allowed === true,
    denied: denied === true,
    ...(typeof reason === 'string' && { reason }),
  };
}

function decisionOf({ allowed, denied, reason }: SubjectAccessReviewStatus): AuthorizationDecision {
  const because = reason ? { reason } : {};
  if (allowed && denied) {
    const error = 'webhook subject access review returned both allow and deny response';
    return { decision: 'deny', ...because, error };
  }
  return { decision: denied ? 'deny' : allowed ? 'allow' : 'noOpinion', ...because };
}

function reviewOf(spec: SubjectAccessReviewSpec, version: 'v1' | 'v1beta1'): object {
  const { groups, ...rest } = spec;
  const apiVersion = `authorization.k8s.io/${version}`;
  // The one difference between the two.
  return {
    apiVersion,
    kind: 'SubjectAccessReview',
    spec: version === 'v1' ? spec : { ...rest, group: groups },
  };
}

function specOf(attributes: AuthorizationAttributes): SubjectAccessReviewSpec {
  const { user, isResourceRequest, path, verb } = attributes;
  return {
    user: user.username,
    groups: user.groups,
    ...(user.uid && { uid: user.uid }),
    ...(user.extra && { extra: user.extra }),
    ...(isResourceRequest
      ? { resourceAttributes: resourceOf(attributes) }
      : { nonResourceAttributes: { path, verb } }),
  };
}

function resourceOf(attributes: AuthorizationAttributes): ResourceAttributes {
  const { namespace, verb, apiGroup, apiVersion, resource, subresource, name } = attributes;
  const { fieldSelector, labelSelector } = attributes;
  return {
    ...(namespace && { namespace }),
    verb,
    ...(apiGroup && { group: apiGroup }),
    version: apiVersion,
    resource,
    ...(subresource && { subresource }),
    ...(name && { name }),
    ...(fieldSelector?.length && { fieldSelector: { requirements: [...fieldSelector] } }),
    ...(labelSelector?.length && { labelSelector: { requirements: [...labelSelector] } }),
  };
}
