import { methodNotAllowed } from '../../lib/api/status.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { subjectAccessReviews } from '../../lib/client/resources.ts';
import { KumulusError } from '../../lib/errors.ts';
import type { UserInfo } from '../../lib/http/types.ts';
import type { StreamTarget } from './target.ts';

/** The API server's verbs of methods (API concepts, "Request verbs"). */
const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/**
 * Whether a user may have the stream, as the API server answers a SubjectAccessReview, each time anew: streams are few.
 * The method's verb is asked of him, and of what runs commands `create` as well: a WebSocket begins with GET (KEP-4006).
 * After that he is told of methods that the stream has not, as by the API server: a log has GET, the others GET and POST.
 *
 * @throws KumulusError Forbidden in the API server's words; MethodNotAllowed; what it throws when it cannot be asked
 */
export async function checkAccess(
  client: KubeClient,
  user: UserInfo,
  target: StreamTarget,
  method: string,
): Promise<void> {
  const isLog = target.subresource === 'log';
  const verb = verbs[method];
  if (verb === undefined) throw methodNotAllowed();
  await checkVerb(client, user, target, verb);
  if (method !== 'GET' && (isLog || method !== 'POST')) throw methodNotAllowed();
  if (!isLog && verb !== 'create') await checkVerb(client, user, target, 'create');
}

async function checkVerb(
  client: KubeClient,
  { username, uid, groups, extra }: UserInfo,
  { namespace, pod, subresource }: StreamTarget,
  verb: string,
): Promise<void> {
  const { status } = await client.create(subjectAccessReviews, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: {},
    spec: {
      user: username,
      uid,
      groups,
      extra,
      resourceAttributes: {
        namespace,
        verb,
        group: '',
        version: 'v1',
        resource: 'pods',
        subresource,
        name: pod,
      },
    },
  });
  if (status?.allowed) return;
  throw new KumulusError(
    'Forbidden',
    `pods "${pod}" is forbidden: User "${username}" cannot ${verb} resource "pods/${subresource}" in API group "" in the namespace "${namespace}"${status?.reason ? `: ${status.reason}` : ''}`,
  );
}
