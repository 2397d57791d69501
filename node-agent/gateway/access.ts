import type { SubjectAccessReview } from '../../lib/api/gen/types.ts';
import type { KubeClient, Resource } from '../../lib/client/port.ts';
import { KumulusError } from '../../lib/errors.ts';
import type { UserInfo } from '../../lib/http/types.ts';
import type { StreamTarget } from './target.ts';

const subjectAccessReviews: Resource<SubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};

/**
 * Whether a user may have the stream, as the API server answers a SubjectAccessReview, each time anew: streams are few.
 * A WebSocket begins with GET; what runs commands needs `create` as well (KEP-4006).
 *
 * @throws KumulusError Forbidden in the API server's words; what it throws when it cannot be asked
 */
export async function checkAccess(
  client: KubeClient,
  user: UserInfo,
  target: StreamTarget,
  method: string,
): Promise<void> {
  const isLog = target.subresource === 'log';
  const verbs = method === 'POST' ? ['create'] : isLog ? ['get'] : ['get', 'create'];
  for (const verb of verbs) await checkVerb(client, user, target, verb);
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
