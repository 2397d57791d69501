/** Who decides what a user may do, and in which order they are asked. */
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import { bootstrapAuthorizer } from './bootstrap-user.ts';
import { alwaysAllow, alwaysDeny, privilegedGroup } from './builtin.ts';
import { createNodeGraph } from './node/graph.ts';
import { createNodeAuthorizer } from './node/index.ts';
import type { Authorizer } from './port.ts';
import { CurrentPolicy } from './rbac/current-policy.ts';
import { createRbacAuthorizer } from './rbac/index.ts';
import { unionAuthorizer } from './union.ts';
import { createWebhookAuthorizer, type WebhookOptions } from './webhook/index.ts';

export const authorizationModes = ['Node', 'RBAC', 'Webhook', 'AlwaysAllow', 'AlwaysDeny'] as const;
export type AuthorizationMode = (typeof authorizationModes)[number];

export type AuthorizerOptions =
  | { type: Exclude<AuthorizationMode, 'Webhook'> }
  | { type: 'Webhook'; webhook: WebhookOptions };

export interface AuthorizationOptions {
  /** Asked in this order, after `system:masters`. Default: Node, RBAC. */
  authorizers?: readonly AuthorizerOptions[];
  /**
   * How old a policy may be that was written by another process. Each look costs a read of four revisions, at most one
   * in that time and only when there are requests. Default 1 s.
   */
  policyMaxAgeMs?: number;
}

export interface Authorization {
  authorizer: Authorizer;
  /** Roles and bindings, whatever the mode: escalation is judged by them. */
  policy: CurrentPolicy;
}

export function createAuthorization(
  { authorizers = [{ type: 'Node' }, { type: 'RBAC' }], policyMaxAgeMs }: AuthorizationOptions,
  context: { cache: WatchCache; clock: Clock; log: Logger; signal: AbortSignal },
): Authorization {
  const policy = new CurrentPolicy({
    ...context,
    ...(policyMaxAgeMs !== undefined && { maxAgeMs: policyMaxAgeMs }),
  });
  const make = (options: AuthorizerOptions): Authorizer => {
    switch (options.type) {
      case 'Node':
        return createNodeAuthorizer(createNodeGraph(context));
      case 'RBAC':
        return createRbacAuthorizer(policy);
      case 'Webhook':
        return createWebhookAuthorizer(options.webhook, context);
      case 'AlwaysAllow':
        return alwaysAllow;
      case 'AlwaysDeny':
        return alwaysDeny;
    }
  };
  const first = [privilegedGroup('system:masters'), bootstrapAuthorizer];
  return { authorizer: unionAuthorizer([...first, ...authorizers.map(make)]), policy };
}
