import type { Node } from '../../../../lib/api/gen/types.ts';
import { nodes } from '../../../../lib/client/resources.ts';
import { watchOf } from '../../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../../context.ts';
import { type Controller, done, type Result } from '../../controller.ts';
import { instanceIdOf } from '../provider-id.ts';
import type { Routes } from './port.ts';

/** All routes are looked at together: what is to go is what no Node has. */
const theTable = 'routes';

/** Gives the network of the cloud a way to the pods of each node, as upstream's node-route-controller does. */
export function nodeRouteController(routes: Routes): ControllerEntry {
  return {
    name: 'node-route-controller',
    component: 'node-route-controller',
    concurrency: 1,
    create: (context) => create(context, routes),
  };
}

function create({ lister, cluster, log }: ControllerContext, routes: Routes): Controller {
  const all = lister(nodes);

  async function reconcile(): Promise<Result> {
    const wanted = new Map(all.list().flatMap((node) => routesOf(node)));
    const found = await routes.list(cluster.clusterCidr);
    for (const { cidr } of found) {
      if (wanted.has(cidr)) continue;
      await routes.remove(cidr);
      log.info({ cidr }, 'route removed');
    }
    for (const [cidr, instanceId] of wanted) {
      if (found.some((route) => route.cidr === cidr && route.instanceId === instanceId)) continue;
      await routes.put({ cidr, instanceId });
      log.info({ cidr, instanceId }, 'route made');
    }
    return done;
  }

  return {
    name: 'node-route-controller',
    watches: [
      watchOf(nodes, ({ before, after }) => {
        const same = JSON.stringify(before && routesOf(before)) === JSON.stringify(after && routesOf(after));
        return same ? [] : [theTable];
      }),
    ],
    // Also when no Node is left to be shown again.
    resyncKeys: [theTable],
    reconcile,
  };
}

function routesOf({ spec }: Node): [cidr: string, instanceId: string][] {
  const instanceId = instanceIdOf(spec.providerID);
  const ranges = spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []);
  // Tables of one family: the cluster's is IPv4 there.
  return instanceId ? ranges.filter((cidr) => !cidr.includes(':')).map((cidr) => [cidr, instanceId]) : [];
}
