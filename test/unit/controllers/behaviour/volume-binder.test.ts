import { describe, expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../../lib/api/gen/types.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import {
  events,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { testNamespace, testNamespaceWithAccount } from './objects.ts';

const controllers = [
  'persistentvolume-binder',
  'persistentvolume-protection',
  'persistentvolumeclaim-protection',
];

function volume(name: string, spec: Partial<PersistentVolume['spec']> = {}): PersistentVolume {
  return {
    metadata: { name },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      hostPath: { path: `/data/${name}` },
      ...spec,
    },
  };
}

function claim(name: string, spec: Partial<PersistentVolumeClaim['spec']> = {}): PersistentVolumeClaim {
  return {
    metadata: { namespace: 'test', name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: '',
      ...spec,
    },
  };
}

const storageClass = (name: string, more: Partial<StorageClass> = {}): StorageClass => ({
  metadata: { name },
  provisioner: 'example.com/disk',
  ...more,
});

async function binder(): Promise<TestCluster> {
  const cluster = await openCluster({ controllers });
  await testNamespace(cluster.client);
  return cluster;
}

const getClaim = (client: KubeClient, name: string) =>
  client.get(persistentVolumeClaims, { namespace: 'test', name });

const inPhase = (client: KubeClient, name: string, phase: string) =>
  eventually(`claim ${name} to be ${phase}`, async () => {
    const found = await getClaim(client, name);
    return found.status?.phase === phase && found;
  });

const volumeInPhase = (client: KubeClient, name: string, phase: string) =>
  eventually(`volume ${name} to be ${phase}`, async () => {
    const found = await client.get(persistentVolumes, { name });
    return found.status?.phase === phase && found;
  });

const event = (client: KubeClient, reason: string) =>
  eventually(`an event ${reason}`, async () => {
    const { items } = await client.list(events);
    return items.find((one) => one.reason === reason);
  });

describe('a claim', () => {
  test('gets the smallest volume that suits it, and both say so', async () => {
    await using cluster = await binder();
    const { client } = cluster;
    await client.create(persistentVolumes, volume('large', { capacity: { storage: '10Gi' } }));
    await client.create(persistentVolumes, volume('small', { capacity: { storage: '2Gi' } }));
    await client.create(persistentVolumes, volume('tiny', { capacity: { storage: '500Mi' } }));
    await client.create(persistentVolumes, volume('other', { storageClassName: 'other' }));
    await volumeInPhase(client, 'large', 'Available');
    await volumeInPhase(client, 'small', 'Available');
    await client.create(persistentVolumeClaims, claim('data'));
    const bound = await inPhase(client, 'data', 'Bound');
    expect(bound.spec.volumeName).toBe('small');
    expect(bound.metadata.annotations).toEqual({
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
    });
    expect(bound.status).toEqual({
      phase: 'Bound',
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '2Gi' },
    });
    const its = await volumeInPhase(client, 'small', 'Bound');
    expect(its.spec.claimRef).toMatchObject({ namespace: 'test', name: 'data', uid: bound.metadata.uid });
    expect(its.metadata.annotations).toEqual({ 'pv.kubernetes.io/bound-by-controller': 'yes' });
  });

  test('waits for a volume with its labels, mode and access modes, and gets it when it comes', async () => {
    await using cluster = await binder();
    const { client } = cluster;
    await client.create(persistentVolumes, volume('plain'));
    await client.create(
      persistentVolumes,
      volume('block', {
        volumeMode: 'Block',
        hostPath: undefined,
        local: { path: '/dev/x' },
        nodeAffinity: {
          required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }] },
        },
      }),
    );
    const wanted = claim('data', {
      accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
      selector: { matchLabels: { tier: 'fast' } },
    });
    await client.create(persistentVolumeClaims, wanted);
    expect(await event(client, 'FailedBinding')).toMatchObject({
      type: 'Normal',
      message: 'no persistent volumes available for this claim and no storage class is set',
      source: { component: 'persistentvolume-controller' },
    });
    await cluster.controllers.queue.idle();
    expect((await getClaim(client, 'data')).status?.phase).toBe('Pending');
    const fast = volume('fast', { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] });
    await client.create(persistentVolumes, { ...fast, metadata: { name: 'fast', labels: { tier: 'fast' } } });
    expect((await inPhase(client, 'data', 'Bound')).spec.volumeName).toBe('fast');
  });

  test('gets the volume that is reserved for it, and nobody else does', async () => {
    await using cluster = await binder();
    const { client } = cluster;
    const claimRef = { namespace: 'test', name: 'data' };
    await client.create(persistentVolumes, volume('reserved', { claimRef }));
    await volumeInPhase(client, 'reserved', 'Available');
    await client.create(persistentVolumeClaims, claim('another'));
    await cluster.controllers.queue.idle();
    expect((await getClaim(client, 'another')).status?.phase).toBe('Pending');
    await client.create(persistentVolumeClaims, claim('data'));
    expect((await inPhase(client, 'data', 'Bound')).spec.volumeName).toBe('reserved');
    const its = await client.get(persistentVolumes, { name: 'reserved' });
    expect(its.metadata.annotations?.['pv.kubernetes.io/bound-by-controller']).toBeUndefined();
  });

  test('that names its volume gets that one, if it suits it and is free', async () => {
    await using cluster = await binder();
    const { client } = cluster;
    await client.create(persistentVolumeClaims, claim('data', { volumeName: 'mine' }));
    await client.create(persistentVolumes, volume('mine'));
    const bound = await inPhase(client, 'data', 'Bound');
    expect(bound.metadata.annotations).toEqual({ 'pv.kubernetes.io/bind-completed': 'yes' });
    await client.create(persistentVolumeClaims, claim('late', { volumeName: 'mine' }));
    expect(await event(client, 'FailedBinding')).toMatchObject({
      type: 'Warning',
      message: 'volume "mine" already bound to a different claim.',
    });
    await client.create(persistentVolumes, volume('small', { capacity: { storage: '1Mi' } }));
    await volumeInPhase(client, 'small', 'Available');
    await client.create(persistentVolumeClaims, claim('big', { volumeName: 'small' }));
    expect(await event(client, 'VolumeMismatch')).toMatchObject({
      type: 'Warning',
      message: 'Cannot bind to requested volume "small": requested PV is too small',
    });
  });

  test('is lost with its volume', async () => {
    await using cluster = await binder();
    const { client } = cluster;
    await client.create(persistentVolumes, volume('pv'));
    await client.create(persistentVolumeClaims, claim('data'));
    await inPhase(client, 'data', 'Bound');
    await client.patch(
      persistentVolumes,
      { name: 'pv' },
      { type: 'merge', patch: { metadata: { finalizers: null } } },
    );
    await client.delete(persistentVolumes, { name: 'pv' });
    await client
      .patch(persistentVolumes, { name: 'pv' }, { type: 'merge', patch: { metadata: { finalizers: null } } })
      .catch(() => undefined);
    const lost = await inPhase(client, 'data', 'Lost');
    expect(lost.status).toEqual({ phase: 'Lost' });
    expect(await event(client, 'ClaimLost')).toMatchObject({
      type: 'Warning',
      message: 'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    });
  });
});

describe('a claim of a class', () => {
  test('is handed to the provisioner at once, and bound to the volume that this one makes', async () => {
    await using cluster = await binder();
    const { client } = cluster;
    await client.create(persistentVolumeClaims, claim('data', { storageClassName: 'disk' }));
    expect(await event(client, 'ProvisioningFailed')).toMatchObject({
      type: 'Warning',
      message: 'storageclass.storage.k8s.io "disk" not found',
    });
    await client.create(storageClasses, storageClass('disk'));
    expect(await event(client, 'ExternalProvisioning')).toMatchObject({ type: 'Normal' });
    const asked = await getClaim(client, 'data');
    expect(asked.metadata.annotations).toEqual({
      'volume.beta.kubernetes.io/storage-provisioner': 'example.com/disk',
      'volume.kubernetes.io/storage-provisioner': 'example.com/disk',
    });
    const { namespace, name, uid } = asked.metadata;
    await client.create(persistentVolumes, {
      ...volume('pvc-1', {
        storageClassName: 'disk',
        claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid },
        persistentVolumeReclaimPolicy: 'Delete',
      }),
      metadata: { name: 'pvc-1', annotations: { 'pv.kubernetes.io/provisioned-by': 'example.com/disk' } },
    });
    expect((await inPhase(client, 'data', 'Bound')).spec.volumeName).toBe('pvc-1');
    await client.delete(persistentVolumeClaims, { namespace, name });
    // Who made it deletes it.
    await volumeInPhase(client, 'pvc-1', 'Released');
  });

  test('that waits for its consumer says for whom, and goes on once a node is chosen', async () => {
    await using cluster = await openCluster({ controllers: [...controllers, 'serviceaccount'] });
    const { client } = cluster;
    await testNamespaceWithAccount(client);
    await client.create(storageClasses, storageClass('disk', { volumeBindingMode: 'WaitForFirstConsumer' }));
    await client.create(persistentVolumes, volume('suits', { storageClassName: 'disk' }));
    await client.create(persistentVolumeClaims, claim('data', { storageClassName: 'disk' }));
    expect(await event(client, 'WaitForFirstConsumer')).toMatchObject({
      message: 'waiting for first consumer to be created before binding',
    });
    await client.create(pods, {
      metadata: { namespace: 'test', name: 'app' },
      spec: {
        containers: [{ name: 'app', image: 'app:1' }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    // Names of events are made of the time.
    await cluster.clock.step(1_000);
    await cluster.restart();
    expect(await event(client, 'WaitForPodScheduled')).toMatchObject({
      message: 'waiting for pod app to be scheduled',
    });
    const annotations = { 'volume.kubernetes.io/selected-node': 'node-1' };
    await client.patch(
      persistentVolumeClaims,
      { namespace: 'test', name: 'data' },
      { type: 'merge', patch: { metadata: { annotations } } },
    );
    await event(client, 'ExternalProvisioning');
    expect((await getClaim(client, 'data')).spec.volumeName).toBeUndefined();
  });

  test('without one gets the default that comes later', async () => {
    await using cluster = await binder();
    const { client } = cluster;
    await client.create(persistentVolumeClaims, claim('data', { storageClassName: undefined }));
    await client.create(persistentVolumeClaims, claim('none'));
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    await client.create(storageClasses, { ...storageClass('disk'), metadata: { name: 'disk', annotations } });
    await eventually(
      'the class',
      async () => (await getClaim(client, 'data')).spec.storageClassName === 'disk',
    );
    expect((await getClaim(client, 'none')).spec.storageClassName).toBe('');
  });
});

describe('a volume whose claim is gone', () => {
  const cases = [
    ['Retain', 'Released', undefined],
    [
      'Delete',
      'Failed',
      'error getting deleter volume plugin for volume "pv": no deletable volume plugin matched',
    ],
    ['Recycle', 'Failed', 'No recycler plugin found for the volume!'],
  ] as const;
  test.each(cases)('and that says %s is %s', async (persistentVolumeReclaimPolicy, phase, message) => {
    await using cluster = await binder();
    const { client } = cluster;
    await client.create(persistentVolumes, volume('pv', { persistentVolumeReclaimPolicy }));
    await client.create(persistentVolumeClaims, claim('data'));
    await inPhase(client, 'data', 'Bound');
    await client.delete(persistentVolumeClaims, { namespace: 'test', name: 'data' });
    const left = await volumeInPhase(client, 'pv', phase);
    expect(left.status?.message).toBe(message);
    // A claim of the same name is another claim.
    await client.create(persistentVolumeClaims, claim('data'));
    await cluster.controllers.queue.idle();
    expect((await getClaim(client, 'data')).status?.phase).toBe('Pending');
  });
});
