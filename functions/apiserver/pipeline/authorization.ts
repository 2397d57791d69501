import { forbidden, internal } from '../../../lib/api/status.ts';
import { KumulusError } from '../../../lib/errors.ts';
import type { AuthorizationAttributes, Authorizer } from '../authorization/port.ts';
import { selectorsOf } from '../authorization/selectors.ts';
import type { RequestContext, Stage } from './context.ts';

export function authorization(authorizer: Authorizer): Stage {
  return async (context, next) => {
    const { info, user, request } = context;
    const attributes = { ...info, user, ...selectorsOf(info, request.query) };
    const { decision, reason, error } = await authorizer.authorize(attributes);
    const { auditAnnotations } = context;
    auditAnnotations['authorization.k8s.io/decision'] = decision === 'allow' ? 'allow' : 'forbid';
    if (reason) auditAnnotations['authorization.k8s.io/reason'] = reason;
    if (decision === 'allow') return next();
    // Nobody could say: that is our fault, and no leave.
    if (error !== undefined) throw internal(new Error(error));
    throw forbiddenError(attributes, reason);
  };
}

/**
 * Whether the user may do with the same thing what goes by another verb, too.
 *
 * @throws KumulusError Forbidden, or InternalError where nobody could say
 */
export async function authorizeVerb(
  authorizer: Authorizer,
  { info, user }: Pick<RequestContext, 'info' | 'user'>,
  verb: string,
): Promise<void> {
  if (info.verb === verb) return;
  const attributes = { ...info, user, verb };
  const { decision, reason, error } = await authorizer.authorize(attributes);
  if (decision === 'allow') return;
  if (error !== undefined) throw internal(new Error(error));
  throw forbiddenError(attributes, reason);
}

/** `pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "y"` */
export function forbiddenError(attributes: AuthorizationAttributes, reason?: string): KumulusError {
  const { user, verb, apiGroup, resource, subresource, namespace, name, path } = attributes;
  const suffix = reason ? `: ${reason}` : '';
  if (!attributes.isResourceRequest) {
    const message = `forbidden: User ${JSON.stringify(user.username)} cannot ${verb} path ${JSON.stringify(path)}${suffix}`;
    return new KumulusError('Forbidden', message, { details: {} });
  }
  const full = subresource ? `${resource}/${subresource}` : resource;
  const scope = namespace ? ` in the namespace "${namespace}"` : ' at the cluster scope';
  return forbidden(
    { group: apiGroup, resource },
    name,
    `User ${JSON.stringify(user.username)} cannot ${verb} resource "${full}" in API group "${apiGroup}"${scope}${suffix}`,
  );
}
