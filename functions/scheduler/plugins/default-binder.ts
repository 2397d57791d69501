import type { Binding } from '../../../lib/api/gen/types.ts';
import { pods } from '../../../lib/client/resources.ts';
import type { Plugin, PluginContext } from '../framework/plugin.ts';
import { errorStatus } from '../framework/status.ts';
import { portsToHold } from './node-ports.ts';
import { resourcesToHold } from './node-resources-fit.ts';

/**
 * Understood by the API server of Kumulus: it refuses a binding that would run the node short of these resources, or, with
 * `host-ports` among them, that would bring a host port to the node that another pod has.
 */
const withinAllocatable = 'binding.kumulus.io/within-allocatable';
const hostPortsName = 'host-ports';

/**
 * Binds through `pods/binding`; the uid makes it fail for a pod that was replaced under its name, and the resources that
 * the node was found to have make it fail when somebody else has taken them meanwhile.
 */
export function defaultBinder({ client }: PluginContext): Plugin {
  return {
    name: 'DefaultBinder',
    async bind(state, { pod }, nodeName) {
      const { name, namespace, uid } = pod.metadata;
      const held = [
        ...(state.find(resourcesToHold) ?? []),
        ...(state.find(portsToHold) ? [hostPortsName] : []),
      ];
      const binding: Binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: {
          name,
          namespace,
          uid,
          ...(held.length > 0 && { annotations: { [withinAllocatable]: held.join(',') } }),
        },
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
