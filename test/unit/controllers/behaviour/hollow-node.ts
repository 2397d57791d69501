import { nodeOf } from '../../../../functions/controllers/daemonset/placement.ts';
import type { Pod } from '../../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../../lib/api/object.ts';
import type { Informers } from '../../../../lib/client/informers.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { nodes, pods } from '../../../../lib/client/resources.ts';
import { type Clock, rfc3339 } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';

export interface HollowNode {
  name: string;
  /** Which pods become ready; by default all. Pods that it turns down stay pending. */
  accept: (pod: Pod) => boolean;
  /** What could not be done; empty in a test that went well. */
  errors: unknown[];
}

/** A node that runs nothing: binds what is pending, says that it runs and is ready, and finishes deletions. */
export async function addHollowNode(
  client: KubeClient,
  informers: Informers,
  clock: Clock,
  name = 'hollow-1',
): Promise<HollowNode> {
  const hollow: HollowNode = { name, accept: () => true, errors: [] };
  const at = rfc3339(clock.now());
  const node = await client.create(nodes, { metadata: { name }, spec: {} });
  const ready = {
    type: 'Ready',
    status: 'True',
    lastHeartbeatTime: at,
    lastTransitionTime: at,
    reason: 'KubeletReady',
  };
  await client.update(
    nodes,
    { ...node, status: { ...node.status, conditions: [ready] } },
    { subresource: 'status' },
  );
  const addresses = new Map<string, string>();
  /** The same however often it is told of the pod. */
  const addressOf = (uid: string) => {
    const number = addresses.size + 1;
    const address = addresses.get(uid) ?? `10.244.${number >> 8}.${number & 255}`;
    addresses.set(uid, address);
    return address;
  };
  const busy = new Set<string>();

  /** As a kubelet does before it lets a pod go: whoever holds the pod by a finalizer learns how it ended. */
  async function reportEnd({ metadata: { namespace, name: podName, uid }, spec, status }: Persisted<Pod>) {
    if (spec.nodeName !== name || status?.phase === 'Succeeded' || status?.phase === 'Failed') return;
    const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: rfc3339(clock.now()) }];
    await client.patch(
      pods,
      { namespace, name: podName },
      { type: 'strategic', patch: { metadata: { uid }, status: { phase: 'Failed', conditions } } },
      { subresource: 'status' },
    );
  }

  async function tend(pod: Persisted<Pod>): Promise<void> {
    const { namespace, name: podName } = pod.metadata;
    if (pod.metadata.deletionTimestamp) {
      await reportEnd(pod);
      await client.delete(pods, { namespace, name: podName }, { gracePeriodSeconds: 0 });
    } else if (!pod.spec.nodeName && [name, undefined].includes(nodeOf(pod))) {
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: podName, namespace },
        target: { kind: 'Node', name },
      };
      await client.createSubresource(pods, { namespace, name: podName }, 'binding', binding);
    } else if (pod.spec.nodeName === name && pod.status?.phase === 'Pending' && hollow.accept(pod)) {
      const ip = addressOf(pod.metadata.uid);
      const time = rfc3339(clock.now());
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: time }];
      const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], startTime: time, conditions };
      await client.patch(
        pods,
        { namespace, name: podName },
        { type: 'strategic', patch: { status } },
        { subresource: 'status' },
      );
    }
  }

  informers.informer(pods).onChange(({ after }) => {
    if (!after || busy.has(`${keyOf(after)} ${after.metadata.resourceVersion}`)) return;
    busy.add(`${keyOf(after)} ${after.metadata.resourceVersion}`);
    tend(after).catch((error: unknown) => {
      if (!isKind(error, 'NotFound', 'Conflict')) hollow.errors.push(error);
    });
  });
  return hollow;
}
