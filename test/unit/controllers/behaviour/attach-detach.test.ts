import { describe, expect, test } from 'vitest';
import { csiDrivers, events, nodes, volumeAttachments } from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { testNamespaceWithAccount } from './objects.ts';
import {
  addNode,
  answer,
  attachmentsOf,
  boundVolume,
  driver,
  podUsing,
  removePod,
  setInUse,
  setReady,
  uniqueName,
} from './volume-attachments.ts';

async function opened(): Promise<TestCluster> {
  const cluster = await openCluster({ controllers: ['attachdetach', 'serviceaccount'] });
  await testNamespaceWithAccount(cluster.client);
  return cluster;
}

const attached = async ({ client }: TestCluster, name: string) =>
  (await client.get(nodes, { name })).status?.volumesAttached?.map((volume) => volume.name) ?? [];

const messages = async ({ client }: TestCluster, reason: string) =>
  (await client.list(events)).items.filter((one) => one.reason === reason).map(({ message }) => message);

/** One attachment, once there are that many. */
const attachment = (cluster: TestCluster, count = 1) =>
  eventually(`${count} attachments`, async () => {
    await cluster.clock.step(100);
    const all = await attachmentsOf(cluster.client);
    return all.length === count && all[0];
  });

const holds = async <T>(cluster: TestCluster, what: string, isSo: () => Promise<T | undefined | false>) =>
  eventually(what, async () => {
    await cluster.clock.step(100);
    return isSo();
  });

/** For as long as nothing should come of it. */
async function minutes({ clock }: TestCluster, count: number): Promise<void> {
  for (let second = 0; second < count * 60; second += 5) await clock.step(5_000);
}

/** A volume that is attached to `node-1` for the pod `web`. */
async function withAttached(): Promise<TestCluster> {
  const cluster = await opened();
  const { client } = cluster;
  await addNode(client, 'node-1');
  await boundVolume(client, 'data');
  await podUsing(client, 'web', 'data', 'node-1');
  await answer(client, await attachment(cluster), { attached: true });
  await holds(cluster, 'the node has it', async () => (await attached(cluster, 'node-1')).length === 1);
  return cluster;
}

describe('a volume that a pod needs', () => {
  test('is attached by its driver, and the node and the pod are told', async () => {
    await using cluster = await withAttached();
    const { client } = cluster;
    const [made] = await attachmentsOf(client);
    // The name is the SHA-256 of the volume's handle, the driver and the node, as drivers expect it.
    expect(made?.metadata.name).toMatch(/^csi-[0-9a-f]{64}$/);
    expect(made?.spec).toEqual({
      attacher: driver,
      nodeName: 'node-1',
      source: { persistentVolumeName: 'data' },
    });
    const { status } = await client.get(nodes, { name: 'node-1' });
    expect(status?.volumesAttached).toEqual([{ name: uniqueName('data'), devicePath: '' }]);
    const told = await holds(
      cluster,
      'an event',
      async () => (await messages(cluster, 'SuccessfulAttachVolume'))[0],
    );
    expect(told).toBe('AttachVolume.Attach succeeded for volume "data" ');
  });

  test('is not, where its driver attaches nothing, or the node attaches itself', async () => {
    await using cluster = await opened();
    const { client } = cluster;
    await addNode(client, 'node-1');
    await addNode(client, 'alone', false);
    await client.create(csiDrivers, { metadata: { name: driver }, spec: { attachRequired: false } });
    await boundVolume(client, 'data');
    await podUsing(client, 'web', 'data', 'node-1');
    await minutes(cluster, 1);
    expect(await attachmentsOf(client)).toEqual([]);
    await client.delete(csiDrivers, { name: driver });
    await boundVolume(client, 'more');
    await podUsing(client, 'more', 'more', 'alone');
    await minutes(cluster, 1);
    expect((await attachmentsOf(client)).map(({ spec }) => spec.nodeName)).not.toContain('alone');
  });

  test('and that its driver cannot attach: the pod is told why, and that it takes long', async () => {
    await using cluster = await opened();
    const { client } = cluster;
    await addNode(client, 'node-1');
    await boundVolume(client, 'data');
    await podUsing(client, 'web', 'data', 'node-1');
    const pending = await attachment(cluster);
    await minutes(cluster, 3);
    expect(await messages(cluster, 'FailedAttachVolume')).toEqual([
      `AttachVolume.Attach failed for volume "data" : timed out waiting for external-attacher of ${driver} CSI driver to attach volume handle-of-data`,
    ]);
    await answer(client, pending, { attached: false, attachError: { message: 'the disk is broken' } });
    await holds(cluster, 'why', async () =>
      (await messages(cluster, 'FailedAttachVolume')).includes(
        'AttachVolume.Attach failed for volume "data" : the disk is broken',
      ),
    );
  });
});

describe('a volume that is attached to another node', () => {
  test('for one node at a time waits, says who has it, and comes when it is free', async () => {
    await using cluster = await withAttached();
    const { client } = cluster;
    await addNode(client, 'node-2');
    await podUsing(client, 'other', 'data', 'node-2');
    await holds(cluster, 'why', async () =>
      (await messages(cluster, 'FailedAttachVolume')).includes(
        'Multi-Attach error for volume "data" Volume is already used by pod(s) web',
      ),
    );
    await minutes(cluster, 1);
    expect((await attachmentsOf(client)).map(({ spec }) => spec.nodeName)).toEqual(['node-1']);
    await removePod(client, 'web');
    await holds(cluster, 'it moves', async () =>
      (await attachmentsOf(client)).every(({ spec }) => spec.nodeName === 'node-2'),
    );
    expect(await attached(cluster, 'node-1')).toEqual([]);
  });

  test('for many nodes comes at once', async () => {
    await using cluster = await opened();
    const { client } = cluster;
    await boundVolume(client, 'shared', ['ReadWriteMany']);
    for (const name of ['node-1', 'node-2']) {
      await addNode(client, name);
      await podUsing(client, `on-${name}`, 'shared', name);
    }
    await attachment(cluster, 2);
  });
});

describe('a volume that no pod needs any more', () => {
  test('stays attached as long as the node has it mounted', async () => {
    await using cluster = await withAttached();
    const { client } = cluster;
    await setInUse(client, 'node-1', ['data']);
    await removePod(client, 'web');
    await minutes(cluster, 10);
    expect(await attachmentsOf(client)).toHaveLength(1);
    await setInUse(client, 'node-1', []);
    await holds(cluster, 'it is detached', async () => (await attachmentsOf(client)).length === 0);
    expect(await attached(cluster, 'node-1')).toEqual([]);
  });

  test('is taken from a node that has not been ready for six minutes', async () => {
    await using cluster = await withAttached();
    const { client } = cluster;
    await setInUse(client, 'node-1', ['data']);
    await setReady(client, 'node-1', 'Unknown');
    await removePod(client, 'web');
    await minutes(cluster, 5);
    expect(await attachmentsOf(client)).toHaveLength(1);
    await minutes(cluster, 2);
    expect(await attachmentsOf(client)).toHaveLength(0);
  });

  test('is taken at once from a node that is out of service, and after a while from one that is gone', async () => {
    await using cluster = await withAttached();
    const { client } = cluster;
    await setInUse(client, 'node-1', ['data']);
    await removePod(client, 'web');
    const taint = { key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' };
    await client.patch(nodes, { name: 'node-1' }, { type: 'merge', patch: { spec: { taints: [taint] } } });
    await holds(cluster, 'it is detached', async () => (await attachmentsOf(client)).length === 0);

    await addNode(client, 'node-2');
    await podUsing(client, 'web', 'data', 'node-2');
    await answer(client, await attachment(cluster), { attached: true });
    await removePod(client, 'web');
    await client.delete(nodes, { name: 'node-2' });
    await minutes(cluster, 7);
    expect(await attachmentsOf(client)).toHaveLength(0);
  });

  test('is not asked for again while the driver still detaches it', async () => {
    await using cluster = await withAttached();
    const { client } = cluster;
    const [made] = await attachmentsOf(client);
    if (!made) throw new Error('there is none');
    const held = { ...made, metadata: { ...made.metadata, finalizers: [`external-attacher/${driver}`] } };
    await client.update(volumeAttachments, held);
    await removePod(client, 'web');
    const going = await holds(cluster, 'it goes', async () => {
      const [one] = await attachmentsOf(client);
      return one?.metadata.deletionTimestamp === undefined ? undefined : one;
    });
    await podUsing(client, 'web', 'data', 'node-1');
    await minutes(cluster, 1);
    expect(await attached(cluster, 'node-1')).toEqual([]);
    await client.update(volumeAttachments, {
      ...going,
      metadata: { ...going.metadata, finalizers: [] },
    });
    await holds(cluster, 'a new one', async () => {
      const [one] = await attachmentsOf(client);
      return one && one.metadata.uid !== made.metadata.uid;
    });
  });
});
