/** Volumes of a CSI driver, the pods that use them, and the parts that the driver and the nodes play. */
import type { Node, VolumeAttachment } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import {
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttachments,
} from '../../../../lib/client/resources.ts';
import { podTemplate } from './objects.ts';

export const driver = 'disks.example.com';

/** A volume with the claim that it is bound to, both called `name`. */
export async function boundVolume(client: KubeClient, name: string, accessModes = ['ReadWriteOnce']) {
  const capacity = { storage: '1Gi' };
  const claim = await client.create(persistentVolumeClaims, {
    metadata: { namespace: 'test', name },
    spec: { accessModes, resources: { requests: capacity }, storageClassName: '', volumeName: name },
  });
  await client.create(persistentVolumes, {
    metadata: { name },
    spec: {
      capacity,
      accessModes,
      csi: { driver, volumeHandle: `handle-of-${name}` },
      claimRef: { namespace: 'test', name, uid: claim.metadata.uid },
    },
  });
  await client.update(
    persistentVolumeClaims,
    { ...claim, status: { phase: 'Bound', accessModes, capacity } },
    { subresource: 'status' },
  );
}

/** A pod on a node that mounts the claim. */
export async function podUsing(client: KubeClient, name: string, claimName: string, nodeName: string) {
  const { spec } = podTemplate('web:1');
  await client.create(pods, {
    metadata: { namespace: 'test', name },
    spec: { ...spec, nodeName, volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] },
  });
}

export async function removePod(client: KubeClient, name: string) {
  await client.delete(pods, { namespace: 'test', name }, { gracePeriodSeconds: 0 });
}

export async function addNode(client: KubeClient, name: string, isManaged = true): Promise<void> {
  const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
  await client.create(nodes, { metadata: { name, ...(isManaged && { annotations }) }, spec: {} });
  await setReady(client, name, 'True');
}

export async function setReady(client: KubeClient, name: string, status: string): Promise<void> {
  const at = '2026-01-01T00:00:00Z';
  const ready = { type: 'Ready', status, lastHeartbeatTime: at, lastTransitionTime: at, reason: 'Test' };
  await patchNodeStatus(client, name, { conditions: [ready] });
}

/** What the node's agent has mounted, as it reports it. */
export async function setInUse(client: KubeClient, name: string, volumes: string[]): Promise<void> {
  await patchNodeStatus(client, name, { volumesInUse: volumes.map(uniqueName) });
}

async function patchNodeStatus(client: KubeClient, name: string, status: Node['status']): Promise<void> {
  await client.patch(nodes, { name }, { type: 'merge', patch: { status } }, { subresource: 'status' });
}

export const uniqueName = (volume: string): string => `kubernetes.io/csi/${driver}^handle-of-${volume}`;

export async function attachmentsOf(client: KubeClient): Promise<Persisted<VolumeAttachment>[]> {
  return (await client.list(volumeAttachments)).items;
}

/** As the driver's external-attacher does. */
export async function answer(
  client: KubeClient,
  attachment: Persisted<VolumeAttachment>,
  status: VolumeAttachment['status'],
): Promise<void> {
  await client.update(volumeAttachments, { ...attachment, status }, { subresource: 'status' });
}
