import { badRequest } from '../../../lib/api/status.ts';
import type { Authorizer } from '../authorization/port.ts';
import { forbiddenError } from './authorization.ts';
import type { Stage } from './context.ts';

/**
 * `Impersonate-User` and its companions (API reference, "User impersonation"): the caller must be allowed the verb
 * `impersonate` on each thing that it takes on, and then acts as that user.
 */
export function impersonation(authorizer: Authorizer): Stage {
  return async (context, next) => {
    const { headers } = context.request;
    const username = headers['impersonate-user'];
    const groups = headers['impersonate-group'];
    const uid = headers['impersonate-uid'];
    const extras: [string, string | undefined][] = [];
    for (const name in headers) if (name.startsWith('impersonate-extra-')) extras.push([name, headers[name]]);
    if (!username) {
      if (groups || uid || extras.length > 0) {
        throw badRequest('requested impersonation of groups, uid or extra without impersonating a user');
      }
      return next();
    }
    const isServiceAccount = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
    const wanted: {
      resource: string;
      name: string;
      namespace: string;
      group: string;
      subresource: string;
    }[] = [];
    const add = (
      resource: string,
      name: string,
      more: { namespace?: string; group?: string; subresource?: string } = {},
    ) => wanted.push({ resource, name, namespace: '', group: '', subresource: '', ...more });
    if (isServiceAccount)
      add('serviceaccounts', isServiceAccount[2] ?? '', { namespace: isServiceAccount[1] ?? '' });
    else add('users', username);
    const groupNames = groups?.split(',').map((group) => group.trim()) ?? [];
    for (const group of groupNames) add('groups', group);
    if (uid) add('uids', uid, { group: 'authentication.k8s.io' });
    const extra: Record<string, string[]> = {};
    for (const [header, value] of extras) {
      const key = decodeKey(header.slice('impersonate-extra-'.length));
      extra[key] = (value ?? '').split(',').map((one) => one.trim());
      for (const one of extra[key]) {
        add('userextras', one, { group: 'authentication.k8s.io', subresource: key });
      }
    }
    for (const { resource, name, namespace, group, subresource } of wanted) {
      const attributes = {
        user: context.user,
        verb: 'impersonate',
        isResourceRequest: true,
        apiGroup: group,
        apiVersion: 'v1',
        namespace,
        resource,
        subresource,
        name,
        path: context.info.path,
      };
      const { decision, reason } = await authorizer.authorize(attributes);
      if (decision !== 'allow') throw forbiddenError(attributes, reason);
    }
    const implied = isServiceAccount
      ? ['system:serviceaccounts', `system:serviceaccounts:${isServiceAccount[1]}`]
      : [];
    const all = groupNames.length > 0 ? groupNames : implied;
    const isTold = all.some(
      (group) => group === 'system:authenticated' || group === 'system:unauthenticated',
    );
    const added =
      username === 'system:anonymous' ? ['system:unauthenticated'] : isTold ? [] : ['system:authenticated'];
    context.user = {
      username,
      ...(uid ? { uid } : {}),
      groups: [...new Set([...all, ...added])],
      ...(extras.length > 0 ? { extra } : {}),
    };
    return next();
  };
}

/** Header names cannot hold everything that a key can; clients escape the rest. */
function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
