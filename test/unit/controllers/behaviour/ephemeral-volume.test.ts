import { describe, expect, test } from 'vitest';
import type { Pod } from '../../../../lib/api/gen/types.ts';
import {
  events,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { testNamespace, testNamespaceWithAccount } from './objects.ts';

const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const pod: Pod = {
  metadata: { namespace: 'test', name: 'app' },
  spec: {
    containers: [{ name: 'app', image: 'app:1' }],
    volumes: [
      {
        name: 'scratch',
        ephemeral: { volumeClaimTemplate: { metadata: { labels: { tier: 'fast' } }, spec } },
      },
    ],
  },
};
const ref = { namespace: 'test', name: 'app-scratch' };

describe('an ephemeral volume of a pod', () => {
  test("is a claim that is the pod's own, and comes back when it is deleted", async () => {
    await using cluster = await openCluster({
      controllers: ['ephemeral-volume', 'serviceaccount', 'persistentvolumeclaim-protection'],
    });
    const { client } = cluster;
    await testNamespaceWithAccount(client);
    const { uid } = (await client.create(pods, pod)).metadata;
    const claim = await eventually('the claim', () => client.get(persistentVolumeClaims, ref));
    expect(claim.metadata.ownerReferences).toEqual([
      { apiVersion: 'v1', kind: 'Pod', name: 'app', uid, controller: true, blockOwnerDeletion: true },
    ]);
    expect(claim.metadata.labels).toEqual({ tier: 'fast' });
    expect(claim.spec).toMatchObject(spec);
    await client.delete(persistentVolumeClaims, ref);
    await eventually('another claim', async () => {
      const found = await client.get(persistentVolumeClaims, ref);
      return found.metadata.uid !== claim.metadata.uid;
    });
  });

  test('does not take over a claim that has its name', async () => {
    await using cluster = await openCluster({ controllers: ['ephemeral-volume', 'serviceaccount'] });
    const { client } = cluster;
    await testNamespaceWithAccount(client);
    await client.create(persistentVolumeClaims, { metadata: ref, spec });
    await client.create(pods, pod);
    const event = await eventually('an event', async () => (await client.list(events)).items[0]);
    expect(event).toMatchObject({
      type: 'Warning',
      reason: 'FailedBinding',
      message:
        'ephemeral volume scratch: PVC test/app-scratch was not created for pod test/app (pod is not owner)',
      involvedObject: { kind: 'Pod', name: 'app' },
    });
  });
});

test('a claim that is asked to grow says who does it', async () => {
  await using cluster = await openCluster({
    controllers: ['persistentvolume-binder', 'persistentvolume-expander'],
  });
  const { client } = cluster;
  await testNamespace(client);
  await client.create(storageClasses, {
    metadata: { name: 'disk' },
    provisioner: 'example.com/disk',
    allowVolumeExpansion: true,
  });
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      storageClassName: 'disk',
      hostPath: { path: '/pv' },
    },
  });
  await client.create(persistentVolumeClaims, { metadata: ref, spec: { ...spec, storageClassName: 'disk' } });
  await eventually('the claim to be bound', async () => {
    return (await client.get(persistentVolumeClaims, ref)).status?.phase === 'Bound';
  });
  const resources = { requests: { storage: '2Gi' } };
  await client.patch(persistentVolumeClaims, ref, { type: 'merge', patch: { spec: { resources } } });
  const event = await eventually('an event', async () => {
    const { items } = await client.list(events);
    return items.find(({ reason }) => reason === 'ExternalExpanding');
  });
  expect(event).toMatchObject({
    type: 'Normal',
    message: 'waiting for an external controller to expand this PVC',
  });
});
