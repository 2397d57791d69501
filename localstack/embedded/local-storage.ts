/** Storage of a cluster on one machine: directories of its nodes, by a StorageClass that claims get by default. */
import { bootstrapClient } from '../../functions/apiserver/bootstrap/index.ts';
import type { ControllerEntry } from '../../functions/controllers/context.ts';
import {
  localPathProvisioner,
  localPathUser,
} from '../../functions/controllers/local-path-provisioner/index.ts';
import { directoriesThroughNodes } from '../../functions/controllers/local-path-provisioner/through-nodes.ts';
import {
  localPathClass,
  provisionerName,
} from '../../functions/controllers/local-path-provisioner/volume.ts';
import type { ClusterRole, ClusterRoleBinding, StorageClass } from '../../lib/api/gen/types.ts';
import type { KubeObject } from '../../lib/api/object.ts';
import { defaultClass } from '../../lib/api/storage/claims.ts';
import { createInProcessTransport } from '../../lib/client/in-process.ts';
import type { Resource } from '../../lib/client/port.ts';
import { clusterRoleBindings, clusterRoles, storageClasses } from '../../lib/client/resources.ts';
import { isKind } from '../../lib/errors.ts';
import type { ApiHandler } from '../../lib/http/types.ts';

const roleName = 'kumulus:local-path-provisioner';

export function localProvisioner(handle: ApiHandler): ControllerEntry {
  return localPathProvisioner(directoriesThroughNodes(createInProcessTransport(handle, localPathUser)));
}

/** What the provisioner may do, and its class. What a user has changed of them since stays. */
export async function ensureLocalStorage(handle: ApiHandler): Promise<void> {
  const client = bootstrapClient(handle);
  async function ensure<T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> {
    try {
      await client.create(resource, object);
    } catch (error) {
      if (!isKind(error, 'AlreadyExists')) throw error;
    }
  }
  await ensure(clusterRoles, role);
  await ensure(clusterRoleBindings, binding);
  await ensure(storageClasses, localClass);
}

const rule = (group: string, resources: string[], verbs: string[]) => ({
  apiGroups: [group],
  resources,
  verbs,
});

const role: ClusterRole = {
  metadata: { name: roleName },
  rules: [
    rule('', ['persistentvolumes'], ['create', 'delete', 'get', 'list', 'update', 'watch']),
    rule('', ['persistentvolumeclaims'], ['get', 'list', 'update', 'watch']),
    rule('storage.k8s.io', ['storageclasses'], ['get', 'list', 'watch']),
    rule('', ['nodes'], ['get']),
    rule('', ['nodes/proxy'], ['delete', 'update']),
    rule('', ['events'], ['create', 'patch', 'update']),
  ],
};

const binding: ClusterRoleBinding = {
  metadata: { name: roleName },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName },
  subjects: [{ kind: 'ServiceAccount', namespace: 'kube-system', name: 'local-path-provisioner' }],
};

const localClass: StorageClass = {
  metadata: { name: localPathClass, annotations: { [defaultClass]: 'true' } },
  provisioner: provisionerName,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
  allowVolumeExpansion: false,
};
