import type { Node } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { nodes } from '../../../lib/client/resources.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { splitCidr } from './ranges.ts';

/** How soon a node asks again when every range is taken. */
const exhaustedRetryMs = 30_000;

/**
 * Gives every node a range of its own for its pods. What is taken is what the nodes say, read at the head before each
 * step, and one node is served at a time: no memory of its own can be wrong after a restart.
 */
export const nodeIpamController: ControllerEntry = {
  name: 'node-ipam',
  component: 'cidrAllocator',
  concurrency: 1,
  create,
};

function create({ client, lister, cluster, recorder, log }: ControllerContext): Controller {
  const all = lister(nodes);
  const parts = splitCidr(cluster.clusterCidr, cluster.nodeCidrMaskSize);

  function nextFree(): number | undefined {
    const taken = new Set(
      all.list().flatMap(({ spec }) => rangesOf(spec).flatMap((range) => parts.indexesOf(range))),
    );
    for (let index = 0; index < parts.count; index++) if (!taken.has(index)) return index;
    return undefined;
  }

  async function assign(node: Persisted<Node>, podCIDR: string): Promise<void> {
    const { name, resourceVersion } = node.metadata;
    const patch = { metadata: { resourceVersion }, spec: { podCIDR, podCIDRs: [podCIDR] } };
    await client.patch(nodes, { name }, { type: 'strategic', patch });
    log.info({ node: name, podCIDR }, 'assigned');
  }

  async function reconcile(name: string): Promise<Result> {
    const node = all.get(name);
    if (!node || node.metadata.deletionTimestamp || rangesOf(node.spec).length > 0) return done;
    const index = nextFree();
    if (index === undefined) {
      recorder.event(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
      return requeueAfter(exhaustedRetryMs);
    }
    await assign(node, parts.at(index));
    return done;
  }

  return {
    name: 'node-ipam',
    watches: [
      watchOf(nodes, ({ after }) =>
        after && rangesOf(after.spec).length === 0 ? [after.metadata.name] : [],
      ),
    ],
    reconcile,
  };
}

function rangesOf(spec: Node['spec']): string[] {
  return spec?.podCIDRs?.length ? spec.podCIDRs : spec?.podCIDR ? [spec.podCIDR] : [];
}
