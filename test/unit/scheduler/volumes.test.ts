import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startScheduler } from '../../../functions/scheduler/index.ts';
import type { PersistentVolumeClaim, PodSpec } from '../../../lib/api/gen/types.ts';
import type { Resource } from '../../../lib/client/port.ts';
import {
  events,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createNodes, podOf, startControlPlane } from '../../bench/scheduler/cluster.ts';
import { eventually } from '../../support/wait.ts';

const zone = 'topology.kubernetes.io/zone';
const namespace = 'default';
let stop: AbortController;
let controlPlane: Awaited<ReturnType<typeof startControlPlane>>;

beforeEach(async () => {
  stop = new AbortController();
  controlPlane = await startControlPlane();
  await createNodes(controlPlane.admin, 3, { labels: (index) => ({ [zone]: `zone-${index}` }) });
  await startScheduler({
    client: controlPlane.scheduler,
    clock: systemClock,
    log: silentLogger,
    signal: stop.signal,
  });
});
afterEach(async () => {
  stop.abort(new Error('the test ended'));
  await controlPlane.close();
});

async function createPod(name: string, claimNames: string[], spec: Partial<PodSpec> = {}): Promise<void> {
  const volumes = claimNames.map((claimName) => ({
    name: claimName,
    persistentVolumeClaim: { claimName },
  }));
  const requests = { cpu: '100m' };
  await controlPlane.admin.create(pods, podOf({ prefix: name, requests, spec: { volumes, ...spec } }, 0));
}

const createClass = (name: string, volumeBindingMode: string, more: object = {}) =>
  controlPlane.admin.create(storageClasses, {
    metadata: { name },
    provisioner: 'disks.example.com',
    volumeBindingMode,
    ...more,
  });

const createClaim = (
  name: string,
  storageClassName: string,
  spec: Partial<PersistentVolumeClaim['spec']> = {},
) =>
  controlPlane.admin.create(persistentVolumeClaims, {
    metadata: { name, namespace },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName,
      ...spec,
    },
  });

async function createVolume(
  name: string,
  storageClassName: string,
  node: string,
  storage: string,
): Promise<void> {
  const { admin } = controlPlane;
  await admin.create(persistentVolumes, {
    metadata: { name },
    spec: {
      capacity: { storage },
      accessModes: ['ReadWriteOnce'],
      storageClassName,
      local: { path: '/disk' },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
          ],
        },
      },
    },
  });
  const status = { phase: 'Available' };
  await admin.patch(
    persistentVolumes,
    { name },
    { type: 'merge', patch: { status } },
    { subresource: 'status' },
  );
}

/** What the volume controller does once a claim has its volume. */
async function completeBinding(claimName: string, volumeName: string): Promise<void> {
  await controlPlane.admin.patch(
    persistentVolumeClaims,
    { namespace, name: claimName },
    {
      type: 'merge',
      patch: {
        metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
        spec: { volumeName },
      },
    },
  );
}

const get = (name: string) => controlPlane.admin.get(pods, { namespace, name: `${name}-0` });
const nodeOf = (name: string) =>
  eventually(`${name} has a node`, async () => (await get(name)).spec.nodeName, { withinMs: 90_000 });
const message = (name: string) =>
  eventually(
    `${name} says why it waits`,
    async () =>
      (await get(name)).status?.conditions?.find(
        ({ type, status }) => type === 'PodScheduled' && status === 'False',
      )?.message,
    { withinMs: 90_000 },
  );

describe('volumes of a pod', () => {
  it('that are not there, or not bound, keep it waiting with the reason, until they are', async () => {
    await createPod('early', ['data']);
    expect(await message('early')).toMatch(
      /^0\/3 nodes are available: persistentvolumeclaim "data" not found\./,
    );
    await createClass('now', 'Immediate');
    await createClaim('data', 'now');
    await eventually('the claim is waited for', async () =>
      (await message('early')).startsWith(
        '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
      ),
    );
    await createVolume('local', 'now', 'node-1', '1Gi');
    await completeBinding('data', 'local');
    expect(await nodeOf('early')).toBe('node-1');
  });

  it('are chosen with the node, smallest first, and the pod is bound when they are', async () => {
    await createClass('later', 'WaitForFirstConsumer', { provisioner: 'kubernetes.io/no-provisioner' });
    await createVolume('large', 'later', 'node-2', '10Gi');
    await createVolume('small', 'later', 'node-2', '2Gi');
    await createClaim('data', 'later');
    await createPod('first', ['data']);
    const volume = await eventually('the volume is reserved', async () => {
      const found = await controlPlane.admin.get(persistentVolumes, { name: 'small' });
      return found.spec?.claimRef && found;
    });
    expect(volume.spec?.claimRef).toMatchObject({ namespace, name: 'data' });
    expect(volume.metadata.annotations).toMatchObject({ 'pv.kubernetes.io/bound-by-controller': 'yes' });
    expect((await get('first')).spec.nodeName).toBeUndefined();
    await completeBinding('data', 'small');
    expect(await nodeOf('first')).toBe('node-2');
  });

  it('are made for the node that was chosen, where the class allows it', async () => {
    await createClass('later', 'WaitForFirstConsumer', {
      allowedTopologies: [{ matchLabelExpressions: [{ key: zone, values: ['zone-1'] }] }],
    });
    await createClaim('data', 'later');
    await createPod('first', ['data']);
    const claim = await eventually('a node is selected', async () => {
      const found = await controlPlane.admin.get(persistentVolumeClaims, { namespace, name: 'data' });
      return found.metadata.annotations?.['volume.kubernetes.io/selected-node'] ? found : undefined;
    });
    expect(claim.metadata.annotations?.['volume.kubernetes.io/selected-node']).toBe('node-1');
    await createVolume('made', 'later', 'node-1', '1Gi');
    await completeBinding('data', 'made');
    expect(await nodeOf('first')).toBe('node-1');
  });

  it('that cannot be made on any node are the reason why it waits', async () => {
    await createClass('later', 'WaitForFirstConsumer', { provisioner: 'kubernetes.io/no-provisioner' });
    await createClaim('data', 'later');
    await createPod('first', ['data']);
    expect(await message('first')).toMatch(
      /^0\/3 nodes are available: 3 node\(s\) didn't find available persistent volumes to bind\./,
    );
    // A volume that comes wakes the pod.
    await createVolume('late', 'later', 'node-0', '1Gi');
    await eventually('the volume is reserved', async () =>
      Boolean((await controlPlane.admin.get(persistentVolumes, { name: 'late' })).spec?.claimRef),
    );
    await completeBinding('data', 'late');
    expect(await nodeOf('first')).toBe('node-0');
  });

  it('that one pod at a time may use keep a second one waiting until the first is gone', async () => {
    await createClass('now', 'Immediate');
    await createVolume('only', 'now', 'node-1', '1Gi');
    await controlPlane.admin.patch(
      persistentVolumes,
      { name: 'only' },
      { type: 'merge', patch: { spec: { accessModes: ['ReadWriteOncePod'] } } },
    );
    await createClaim('data', 'now', { accessModes: ['ReadWriteOncePod'] });
    await completeBinding('data', 'only');
    await createPod('one', ['data']);
    await nodeOf('one');
    await createPod('two', ['data']);
    expect(await message('two')).toMatch(
      /node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode/,
    );
    await controlPlane.admin.delete(pods, { namespace, name: 'one-0' }, { gracePeriodSeconds: 0 });
    expect(await nodeOf('two')).toBe('node-1');
  });

  it('count against what the drivers of a node can attach', async () => {
    const csiNodes: Resource<{ metadata: { name?: string }; spec: object }> = {
      group: 'storage.k8s.io',
      version: 'v1',
      plural: 'csinodes',
      kind: 'CSINode',
      namespaced: false,
    };
    for (const index of [0, 1, 2]) {
      const name = `node-${index}`;
      const driver = {
        name: 'disks.example.com',
        nodeID: name,
        topologyKeys: null,
        allocatable: { count: 1 },
      };
      await controlPlane.admin.create(csiNodes, { metadata: { name }, spec: { drivers: [driver] } });
    }
    await createClass('now', 'Immediate');
    for (const name of ['a', 'b', 'c', 'd']) {
      await controlPlane.admin.create(persistentVolumes, {
        metadata: { name },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'now',
          csi: { driver: 'disks.example.com', volumeHandle: name },
        },
      });
      await createClaim(name, 'now');
      await completeBinding(name, name);
      await createPod(name, [name]);
    }
    const placed = await eventually('three pods have nodes', async () => {
      const { items } = await controlPlane.admin.list(pods);
      const found = items.filter(({ spec }) => spec.nodeName);
      return found.length === 3 && found;
    });
    expect(new Set(placed.map(({ spec }) => spec.nodeName)).size).toBe(3);
    const left = (await controlPlane.admin.list(pods)).items.find(({ spec }) => !spec.nodeName);
    const name = left?.metadata.name ?? '';
    expect(await message(name.replace(/-0$/, ''))).toMatch(
      /^0\/3 nodes are available: 3 node\(s\) exceed max volume count\./,
    );
    await eventually('the event says so too', async () => {
      const { items } = await controlPlane.admin.list(events, {
        fieldSelector: `involvedObject.name=${name}`,
      });
      return items.some((event) => event.reason === 'FailedScheduling');
    });
  });
});
