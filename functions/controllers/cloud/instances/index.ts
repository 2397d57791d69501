import type { Node } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { nodes } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { ownKey, watchOf } from '../../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../../controller.ts';
import { instanceIdOf } from '../provider-id.ts';
import type { Instances } from './port.ts';

/** Upstream's taint of nodes whose machine is switched off ("Well-Known Labels, Annotations and Taints"). */
const shutdownTaint = 'node.cloudprovider.kubernetes.io/shutdown';
/** How soon a node that is silent, and whose machine runs, is looked at again. */
const lookAgainMs = 60_000;

/**
 * What becomes of Nodes whose machine is gone or switched off, as upstream's cloud-node-lifecycle-controller has it: only
 * nodes that are not ready are asked about, one whose machine is gone is deleted, one that is switched off tainted.
 */
export function cloudNodeLifecycleController(instances: Instances): ControllerEntry {
  return {
    name: 'cloud-node-lifecycle-controller',
    component: 'cloud-node-lifecycle-controller',
    create: (context) => create(context, instances),
  };
}

function create({ client, lister, recorder, log }: ControllerContext, instances: Instances): Controller {
  const all = lister(nodes);

  async function remove(node: Persisted<Node>): Promise<void> {
    const { name, uid } = node.metadata;
    recorder.event(
      { ...node, apiVersion: 'v1', kind: 'Node' },
      'Normal',
      'DeletingNode',
      `Deleting node ${name} because it does not exist in the cloud provider`,
    );
    try {
      await client.delete(nodes, { name }, { preconditions: { uid } });
      log.info({ node: name }, 'deleted: its instance is gone');
    } catch (error) {
      if (!isKind(error, 'NotFound', 'Conflict')) throw error;
    }
  }

  async function setShutdown(node: Persisted<Node>, isShutdown: boolean): Promise<void> {
    const taints = node.spec.taints ?? [];
    if (taints.some(({ key }) => key === shutdownTaint) === isShutdown) return;
    const others = taints.filter(({ key }) => key !== shutdownTaint);
    const wanted = isShutdown ? [...others, { key: shutdownTaint, effect: 'NoSchedule' as const }] : others;
    const { name, resourceVersion } = node.metadata;
    const patch = { metadata: { resourceVersion }, spec: { taints: wanted.length > 0 ? wanted : null } };
    await client.patch(nodes, { name }, { type: 'merge', patch });
  }

  async function reconcile(name: string): Promise<Result> {
    const node = all.get(name);
    const instanceId = instanceIdOf(node?.spec.providerID);
    if (!node || !instanceId || node.metadata.deletionTimestamp) return done;
    if (isReady(node)) {
      await setShutdown(node, false);
      return done;
    }
    const state = await instances.state(instanceId);
    if (state === 'gone') {
      await remove(node);
      return done;
    }
    await setShutdown(node, state === 'stopped');
    return requeueAfter(lookAgainMs);
  }

  return {
    name: 'cloud-node-lifecycle-controller',
    watches: [
      watchOf(nodes, (change) => {
        const { before, after } = change;
        const turned = before === after || isReady(before) !== isReady(after);
        return after && turned && instanceIdOf(after.spec.providerID) ? ownKey(change) : [];
      }),
    ],
    reconcile,
  };
}

function isReady(node: Node | undefined): boolean | undefined {
  return node && node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}
