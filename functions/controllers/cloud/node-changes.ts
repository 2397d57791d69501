/** Which nodes a change concerns: its pods and what they use, its own Node, and Services and EndpointSlices for all. */
import type { Node, Pod } from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import { configMaps, endpointSlices, nodes, pods, secrets, services } from '../../../lib/client/resources.ts';
import { everyNode } from '../../../lib/node-queue/sender.ts';
import { podUses, reference } from '../../apiserver/authorization/node/uses.ts';
import { semanticEqual } from '../common/equal.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';

const byUse = 'uses';

/** Its keys are names of nodes, or `*`; dispatch sends them what has changed, and nothing is ever reconciled. */
export const nodeChanges: ControllerEntry = {
  name: 'node-changes',
  component: 'node-changes',
  create({ lister }: ControllerContext) {
    const users = lister(pods, {
      indexers: { [byUse]: (pod) => (pod.spec.nodeName ? [...podUses(pod)] : []) },
    });
    const nodesThatUse =
      (resource: string) =>
      ({ before, after }: ObjectChange<KubeObject>): string[] => {
        const { namespace = '', name = '' } = (after ?? before)?.metadata ?? {};
        return nodesOf(users.byIndex(byUse, reference(resource, namespace, name)));
      };
    return {
      name: 'node-changes',
      watches: [
        watchOf(pods, ({ before, after }) => nodesOf([before, after])),
        watchOf(nodes, (change) => (saysNews(change) ? namesOf(change) : [])),
        watchOf(services, () => [everyNode]),
        watchOf(endpointSlices, () => [everyNode]),
        watchOf(configMaps, nodesThatUse('configmaps')),
        watchOf(secrets, nodesThatUse('secrets')),
      ],
      reconcile: () => Promise.reject(new Error('changes of nodes are sent by dispatch')),
    };
  },
};

function nodesOf(some: readonly (Pod | undefined)[]): string[] {
  return [...new Set(some.map((pod) => pod?.spec.nodeName).filter((name) => name !== undefined))].filter(
    Boolean,
  );
}

/** A node writes its status itself, all the time. */
function saysNews({ before, after }: ObjectChange<Node>): boolean {
  if (!before || !after) return true;
  const told = ({ metadata, spec }: Node) => [
    metadata.labels,
    metadata.annotations,
    metadata.deletionTimestamp,
    spec,
  ];
  return !semanticEqual(told(before), told(after));
}

function namesOf({ before, after }: ObjectChange<Node>): string[] {
  const name = (after ?? before)?.metadata.name;
  return name ? [name] : [];
}
