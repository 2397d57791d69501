import type { Binding } from '../../../lib/api/gen/types.ts';
import { pods } from '../../../lib/client/resources.ts';
import type { Plugin, PluginContext } from '../framework/plugin.ts';
import { errorStatus } from '../framework/status.ts';

/** Binds through `pods/binding`; the uid makes it fail for a pod that was replaced under its name. */
export function defaultBinder({ client }: PluginContext): Plugin {
  return {
    name: 'DefaultBinder',
    async bind(_state, { pod }, nodeName) {
      const { name, namespace, uid } = pod.metadata;
      const binding: Binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { kind: 'Node', name: nodeName },
      };
      try {
        await client.createSubresource(pods, { namespace, name }, 'binding', binding);
        return undefined;
      } catch (error) {
        return errorStatus(error);
      }
    },
  };
}
