import type { ClusterRoleBinding } from '../../lib/api/gen/types.ts';
import { createInProcessClient } from '../../lib/client/in-process.ts';
import type { Resource } from '../../lib/client/port.ts';
import { isKind } from '../../lib/errors.ts';
import type { ApiHandler } from '../../lib/http/types.ts';

const clusterRoleBindings: Resource<ClusterRoleBinding> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  namespaced: false,
};

/**
 * Lets anybody read the issuer's discovery document and its public keys ("Service account issuer discovery"): AWS IAM reads
 * them without a token. Once it is there it is the administrator's, who may take it back until the next deployment.
 */
export async function publishIssuer(handle: ApiHandler): Promise<void> {
  const client = createInProcessClient(handle, { username: 'system:apiserver', groups: ['system:masters'] });
  try {
    await client.create(clusterRoleBindings, {
      metadata: { name: 'kumulus:public-issuer-discovery' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'system:service-account-issuer-discovery',
      },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:unauthenticated' }],
    });
  } catch (error) {
    if (!isKind(error, 'AlreadyExists')) throw error;
  }
}
