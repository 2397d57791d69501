import type { Namespace } from '../../../lib/api/gen/types.ts';
import { forbidden, notFound } from '../../../lib/api/status.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { current } from './common.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

/** Nothing is created in a namespace that is missing or going; three namespaces are never deleted. */
export function namespaceLifecycle(cache: WatchCache): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    async mutate({ operation, entry, namespace, name, object }) {
      const { definition, groupResource } = entry;
      if (definition.plural === 'namespaces' && definition.group === '') {
        if (operation === 'DELETE' && immortal.has(name))
          throw forbidden(groupResource, name, 'this namespace may not be deleted');
        return;
      }
      if (operation !== 'CREATE' || !definition.namespaced) return;
      // As it is now: in one that somebody else has deleted meanwhile, nobody would ever find what is made.
      const found = await current<Namespace>(cache, 'namespaces', namespace);
      if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace);
      if (found.status?.phase !== 'Terminating') return;
      throw forbidden(
        groupResource,
        name || object?.metadata.generateName || '',
        `unable to create new content in namespace ${namespace} because it is being terminated`,
        [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      );
    },
  };
}
