import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  CSIDriver,
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  VolumeAttachment,
} from '../../../lib/api/gen/types.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';
import { mergePatch, strategicPatch } from '../support/requests.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const group = 'storage.k8s.io';
const storagePath = (plural: string) => `/apis/${group}/v1/${plural}`;
const meta = (name: string) => ({ name, labels: { special: 'label' } });

test('CSIInlineVolumes should run through the lifecycle of a CSIDriver', async () => {
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'csidrivers',
    path: storagePath('csidrivers'),
    make: (number) => ({
      metadata: meta(`inline-driver-${number}.example.com`),
      spec: { attachRequired: false, volumeLifecycleModes: ['Ephemeral'] },
    }),
  });
  const made = await plane.call<CSIDriver>('POST', storagePath('csidrivers'), {
    body: { metadata: { name: 'defaults.example.com' } },
  });
  expect(made.json.spec).toEqual({
    attachRequired: true,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    podInfoOnMount: false,
    requiresRepublish: false,
    seLinuxMount: false,
    storageCapacity: false,
    volumeLifecycleModes: ['Persistent'],
  });
});

test('CSIInlineVolumes should support CSIVolumeSource in Pod API', async () => {
  const namespace = await plane.namespace();
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const csi = { driver: 'e2e.example.com', volumeAttributes: { foo: 'bar' }, readOnly: true };
  const body = {
    metadata: { name: 'pod-csi', labels: { 'pod-csi': 'yes' } },
    spec: {
      containers: [{ name: 'app', image: 'app:1', volumeMounts: [{ name: 'inline', mountPath: '/data' }] }],
      volumes: [{ name: 'inline', csi }],
    },
  };
  expect((await plane.call('POST', path, { body })).status).toBe(201);
  const read = await plane.call<Pod>('GET', `${path}/pod-csi`);
  expect(read.json.spec.volumes?.find(({ name }) => name === 'inline')?.csi).toEqual(csi);
  const patched = await plane.call<Pod>('PATCH', `${path}/pod-csi`, {
    body: { metadata: { labels: { patched: 'yes' } } },
    contentType: strategicPatch,
  });
  expect(patched.json.metadata.labels).toMatchObject({ patched: 'yes' });
  const query = { gracePeriodSeconds: '0' };
  expect((await plane.call('DELETE', `${path}/pod-csi`, { query })).status).toBe(200);
  expect((await plane.call('GET', `${path}/pod-csi`)).status).toBe(404);
});

test('CSINodes should run through the lifecycle of a csinode', async () => {
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'csinodes',
    path: storagePath('csinodes'),
    make: (number) => ({ metadata: meta(`csinode-${number}`), spec: { drivers: [] } }),
  });
  const path = storagePath('csinodes');
  const driver = { name: 'driver.example.com', nodeID: 'id-1', topologyKeys: ['example.com/zone'] };
  await plane.call('POST', path, { body: { metadata: { name: 'node-9' }, spec: { drivers: [driver] } } });
  const grown = await plane.call<CSINode>('PATCH', `${path}/node-9`, {
    body: { spec: { drivers: [{ name: driver.name, allocatable: { count: 5 } }] } },
    contentType: strategicPatch,
  });
  expect(grown.json.spec.drivers[0]).toEqual({ ...driver, allocatable: { count: 5 } });
  const moved = await plane.call('PATCH', `${path}/node-9`, {
    body: { spec: { drivers: [{ name: driver.name, nodeID: 'id-2' }] } },
    contentType: strategicPatch,
  });
  expect(moved.status).toBe(422);
});

test('CSIStorageCapacity should support CSIStorageCapacities API operations', async () => {
  const namespace = await plane.namespace();
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'csistoragecapacities',
    path: `/apis/${group}/v1/namespaces/${namespace}/csistoragecapacities`,
    everywhere: storagePath('csistoragecapacities'),
    make: (number) => ({ metadata: meta(`capacity-${number}`), storageClassName: 'slow', capacity: '1Gi' }),
  });
});

test('StorageClasses should run through the lifecycle of a StorageClass', async () => {
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'storageclasses',
    path: storagePath('storageclasses'),
    make: (number) => ({ metadata: meta(`class-${number}`), provisioner: 'e2e-fake-provisioner' }),
  });
  const path = storagePath('storageclasses');
  const made = await plane.call<StorageClass>('POST', path, {
    body: { metadata: { name: 'fixed' }, provisioner: 'fake', parameters: { type: 'a' } },
  });
  expect(made.json).toMatchObject({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
  const changed = await plane.call('PATCH', `${path}/fixed`, {
    body: { parameters: { type: 'b' } },
    contentType: mergePatch,
  });
  expect(changed.json.message).toContain('parameters: Forbidden: updates to parameters are forbidden.');
});

test('VolumeAttributesClass should run through the lifecycle of a VolumeAttributesClass', async () => {
  const path = storagePath('volumeattributesclasses');
  const body = (name: string) => ({ metadata: meta(name), driverName: 'fake', parameters: { iops: '500' } });
  const made = await plane.call('POST', path, { body: body('one') });
  expect(made.status, made.text).toBe(201);
  expect((await plane.call('POST', path, { body: body('two') })).status).toBe(201);
  const patched = await plane.call<StorageClass>('PATCH', `${path}/one`, {
    body: { metadata: { labels: { patched: 'yes' } } },
    contentType: mergePatch,
  });
  expect(patched.json.metadata.labels?.['patched']).toBe('yes');
  const updated = await plane.call<StorageClass>('PUT', `${path}/one`, {
    body: { ...patched.json, metadata: { ...patched.json.metadata, annotations: { updated: 'yes' } } },
  });
  expect(updated.json.metadata.annotations).toEqual({ updated: 'yes' });
  const refused = await plane.call('PATCH', `${path}/one`, {
    body: { parameters: { iops: '501' } },
    contentType: mergePatch,
  });
  expect(refused.status).toBe(422);
  expect((await plane.call('DELETE', `${path}/one`)).status).toBe(200);
  const query = { labelSelector: 'special=label' };
  expect((await plane.call('DELETE', path, { query })).status).toBe(200);
  await eventually('both classes to be gone', async () => {
    const { json } = await plane.call<{ items: unknown[] }>('GET', path, { query });
    return json.items.length === 0;
  });
});

const attachment = (name: string) => ({
  metadata: meta(name),
  spec: { attacher: 'e2e.example.com', source: { persistentVolumeName: 'pv-1' }, nodeName: 'node-1' },
});

test('VolumeAttachment should run through the lifecycle of a VolumeAttachment', () =>
  expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'volumeattachments',
    path: storagePath('volumeattachments'),
    make: (number) => attachment(`attachment-${number}`),
  }));

test('VolumeAttachment should apply changes to a volumeattachment status', async () => {
  const path = storagePath('volumeattachments');
  const made = await plane.call<VolumeAttachment>('POST', path, {
    body: { ...attachment('with-status'), status: { attached: true } },
  });
  expect(made.json.status).toEqual({ attached: false });
  const patched = await plane.call<VolumeAttachment>('PATCH', `${path}/with-status/status`, {
    body: { status: { attached: true }, spec: { nodeName: 'elsewhere' } },
    contentType: mergePatch,
  });
  expect([patched.json.status?.attached, patched.json.spec.nodeName]).toEqual([true, 'node-1']);
  const read = await plane.call<VolumeAttachment>('GET', `${path}/with-status/status`);
  expect(read.json.status?.attached).toBe(true);
  const updated = await plane.call<VolumeAttachment>('PUT', `${path}/with-status/status`, {
    body: { ...read.json, status: { attached: false } },
  });
  expect(updated.json.status).toEqual({ attached: false });
});

const volume = (name: string) => ({
  metadata: meta(name),
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'manual',
    csi: { driver: 'e2e.example.com', volumeHandle: name },
  },
});
const claim = (name: string) => ({
  metadata: meta(name),
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'manual',
    resources: { requests: { storage: '1Gi' } },
  },
});

test('PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC', async () => {
  const namespace = await plane.namespace();
  const volumes = '/api/v1/persistentvolumes';
  const claims = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
  const query = { labelSelector: 'special=label' };
  const gone = (path: string) =>
    eventually(`${path} to be gone`, async () => {
      const { status, json } = await plane.call<{ items?: unknown[] }>('GET', path, { query });
      return status === 404 || json.items?.length === 0;
    });
  for (const [path, make] of [
    [volumes, volume],
    [claims, claim],
  ] as const) {
    const made = await plane.call<PersistentVolume>('POST', path, { body: make('one') });
    expect(made.status, made.text).toBe(201);
    expect(made.json.status?.phase).toBe('Pending');
    const listed = await plane.call<{ items: PersistentVolume[] }>('GET', path, { query });
    expect(listed.json.items.map(({ metadata }) => metadata.name)).toEqual(['one']);
    const patched = await plane.call<PersistentVolume>('PATCH', `${path}/one`, {
      body: { metadata: { labels: { patched: 'yes' } } },
      contentType: mergePatch,
    });
    expect(patched.json.metadata.labels).toEqual({ special: 'label', patched: 'yes' });
    const read = await plane.call<PersistentVolume>('GET', `${path}/one`);
    const annotations = { updated: 'yes' };
    await eventually('an update', async () => {
      const { json } = await plane.call<PersistentVolume>('GET', `${path}/one`);
      const body = { ...json, metadata: { ...json.metadata, annotations } };
      return (await plane.call('PUT', `${path}/one`, { body })).status === 200;
    });
    expect(read.status).toBe(200);
    expect((await plane.call('DELETE', `${path}/one`)).status).toBe(200);
    await gone(`${path}/one`);
    for (const name of ['two', 'three']) await plane.call('POST', path, { body: make(name) });
    expect((await plane.call('DELETE', path, { query })).status).toBe(200);
    await gone(path);
  }
});

test('PersistentVolumes CSI Conformance should apply changes to a pv/pvc status', async () => {
  const namespace = await plane.namespace();
  const condition = {
    type: 'StatusUpdate',
    status: 'True',
    reason: 'E2E patchedStatus',
    message: 'Set from e2e test',
  };
  const claims = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
  await plane.call('POST', claims, { body: claim('status') });
  const readClaim = await plane.call<PersistentVolumeClaim>('GET', `${claims}/status/status`);
  expect(readClaim.json.status?.phase).toBe('Pending');
  const patchedClaim = await plane.call<PersistentVolumeClaim>('PATCH', `${claims}/status/status`, {
    body: { status: { conditions: [condition] }, spec: { volumeName: 'nowhere' } },
    contentType: mergePatch,
  });
  expect(patchedClaim.json.status?.conditions).toMatchObject([condition]);
  expect(patchedClaim.json.spec.volumeName).toBeUndefined();
  const updatedClaim = await plane.call<PersistentVolumeClaim>('PUT', `${claims}/status/status`, {
    body: {
      ...patchedClaim.json,
      status: { phase: 'Lost', conditions: [{ ...condition, status: 'False' }] },
    },
  });
  expect(updatedClaim.json.status).toMatchObject({ phase: 'Lost', conditions: [{ status: 'False' }] });

  const volumes = '/api/v1/persistentvolumes';
  await plane.call('POST', volumes, { body: volume('status') });
  const patched = await plane.call<PersistentVolume>('PATCH', `${volumes}/status/status`, {
    body: {
      status: { message: 'StatusPatched', reason: 'E2E patchStatus' },
      spec: { capacity: { storage: '9Gi' } },
    },
    contentType: mergePatch,
  });
  expect(patched.json.status).toMatchObject({ message: 'StatusPatched', reason: 'E2E patchStatus' });
  expect(patched.json.spec.capacity).toEqual({ storage: '1Gi' });
  const updated = await plane.call<PersistentVolume>('PUT', `${volumes}/status/status`, {
    body: { ...patched.json, status: { phase: 'Available', message: 'StatusUpdated' } },
  });
  expect(updated.json.status).toMatchObject({ phase: 'Available', message: 'StatusUpdated' });
  expect(updated.json.status?.lastPhaseTransitionTime).toBeDefined();
});
