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

export interface AuthorizationOptions {
  /** kube-apiserver's `--authorization-mode`: asked in this order, after `system:masters`. Default: Node, RBAC. */
  modes?: readonly AuthorizationMode[];
  /** For the mode Webhook. */
  webhook?: WebhookOptions;
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
  { modes = ['Node', 'RBAC'], webhook, policyMaxAgeMs }: AuthorizationOptions,
  context: { cache: WatchCache; clock: Clock; log: Logger; signal: AbortSignal },
): Authorization {
  const policy = new CurrentPolicy({
    ...context,
    ...(policyMaxAgeMs !== undefined && { maxAgeMs: policyMaxAgeMs }),
  });
  const make = (mode: AuthorizationMode): Authorizer => {
    switch (mode) {
      case 'Node':
        return createNodeAuthorizer(createNodeGraph(context));
      case 'RBAC':
        return createRbacAuthorizer(policy);
      case 'Webhook':
        if (!webhook) throw new Error('authorization mode Webhook needs a configuration of the webhook');
        return createWebhookAuthorizer(webhook, context);
      case 'AlwaysAllow':
        return alwaysAllow;
      case 'AlwaysDeny':
        return alwaysDeny;
    }
  };
  const first = [privilegedGroup('system:masters'), bootstrapAuthorizer];
  return { authorizer: unionAuthorizer([...first, ...modes.map(make)]), policy };
}
