import type { Node } from '../../../../lib/api/gen/types.ts';
import { nodes } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { changesAnnotation, queueUrlAnnotation } from '../../../../lib/node-queue/annotations.ts';
import { watchOf } from '../../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../../context.ts';
import { type Controller, done, type Result } from '../../controller.ts';
import type { NodeQueues } from './port.ts';

/** The key of them all; no node has such a name. */
const sweepKey = '*';

/**
 * Makes a queue for every Node whose agent asks for one, tells the Node its URL, and removes it when the Node goes. Nobody may
 * have been told that it went: every resync looks for queues that no Node asks for, and has the keys of their nodes
 * reconciled. A queue is so removed by its node's own key alone, which never runs twice at once, and which looks again whether
 * the Node is there: a Node that comes meanwhile keeps its queue, however long the sweep took.
 */
export function nodeQueueController(queues: NodeQueues): ControllerEntry {
  return {
    name: 'node-queue-controller',
    component: 'node-queue-controller',
    create: (context) => create(context, queues),
  };
}

function create({ client, lister, enqueue, log }: ControllerContext, queues: NodeQueues): Controller {
  const all = lister(nodes);

  async function sweep(signal: AbortSignal): Promise<void> {
    const wanted = all.list().flatMap((node) => (wantsQueue(node) ? [node.metadata.name] : []));
    for await (const name of queues.others(wanted, signal)) {
      log.info({ node: name }, 'a queue that no Node asks for');
      enqueue(name);
    }
  }

  async function reconcile(name: string, signal: AbortSignal): Promise<Result> {
    if (name === sweepKey) {
      await sweep(signal);
      return done;
    }
    const node = all.get(name);
    if (!node || !wantsQueue(node)) {
      await queues.remove(name);
      return done;
    }
    const url = await queues.ensure(name);
    if (node.metadata.annotations?.[queueUrlAnnotation] === url) return done;
    const patch = { metadata: { uid: node.metadata.uid, annotations: { [queueUrlAnnotation]: url } } };
    try {
      await client.patch(nodes, { name }, { type: 'merge', patch });
      log.info({ node: name }, 'the node has a queue');
    } catch (error) {
      // Gone meanwhile: its deletion is a change of its own.
      if (!isKind(error, 'NotFound', 'Conflict')) throw error;
    }
    return done;
  }

  return {
    name: 'node-queue-controller',
    watches: [
      watchOf(nodes, ({ before, after }) => {
        const name = (after ?? before)?.metadata.name;
        const isRepeated = before === after;
        const concerns = wantsQueue(before) !== wantsQueue(after) || (isRepeated && wantsQueue(after));
        return name && (concerns || urlOf(before) !== urlOf(after)) ? [name] : [];
      }),
    ],
    resyncKeys: [sweepKey],
    reconcile,
  };
}

function wantsQueue(node: Node | undefined): boolean {
  return node?.metadata.annotations?.[changesAnnotation] === 'queue';
}

function urlOf(node: Node | undefined): string | undefined {
  return node?.metadata.annotations?.[queueUrlAnnotation];
}
