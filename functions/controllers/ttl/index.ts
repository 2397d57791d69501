import { nodes } from '../../../lib/client/resources.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';

const annotation = 'node.alpha.kubernetes.io/ttl';

/** Upstream's steps: up to so many nodes, an agent may keep Secrets and ConfigMaps for so many seconds. */
const boundaries = [
  { upToNodes: 100, seconds: 0 },
  { upToNodes: 500, seconds: 15 },
  { upToNodes: 1_000, seconds: 30 },
  { upToNodes: 2_000, seconds: 60 },
  { upToNodes: Number.POSITIVE_INFINITY, seconds: 300 },
];

export function ttlSeconds(nodeCount: number): number {
  return boundaries.find(({ upToNodes }) => nodeCount <= upToNodes)?.seconds ?? 300;
}

/** Tells nodes how long they may rely on what they read; longer in larger clusters. */
export const ttlController: ControllerEntry = { name: 'ttl', component: 'ttl-controller', create };

function create({ client, lister }: ControllerContext): Controller {
  const all = lister(nodes);

  async function reconcile(name: string): Promise<Result> {
    const node = all.get(name);
    if (!node || node.metadata.deletionTimestamp) return done;
    const wanted = String(ttlSeconds(all.list().length));
    if (node.metadata.annotations?.[annotation] === wanted) return done;
    const patch = { metadata: { uid: node.metadata.uid, annotations: { [annotation]: wanted } } };
    await client.patch(nodes, { name }, { type: 'strategic', patch });
    return done;
  }

  return {
    name: 'ttl',
    watches: [
      watchOf(nodes, (change) => {
        const { before, after } = change;
        if (before && after && before !== after) {
          return after.metadata.annotations?.[annotation] === undefined ? ownKey(change) : [];
        }
        const [now, earlier] = [all.list().length, all.list().length + (after ? -1 : 1)];
        const stepped = ttlSeconds(now) !== ttlSeconds(earlier);
        return stepped ? all.list().map(({ metadata }) => metadata.name) : ownKey(change);
      }),
    ],
    reconcile,
  };
}
