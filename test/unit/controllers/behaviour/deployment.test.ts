import { describe, expect, test } from 'vitest';
import { deployments, pods } from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestClusterOptions } from './cluster.ts';
import { addHollowNode } from './hollow-node.ts';
import {
  conditionOf,
  getWeb,
  imageOf,
  isReady,
  isRolledOut,
  patchWeb,
  podsIn,
  podTemplate,
  setImage,
  setsIn,
  testNamespaceWithAccount,
  webDeployment,
} from './objects.ts';
import { watchWrites } from './watched-client.ts';

const revision = 'deployment.kubernetes.io/revision';

async function openWithNode(options: TestClusterOptions = {}) {
  const cluster = await openCluster({ controllers: ['*', '-node-lifecycle'], ...options });
  const node = await addHollowNode(cluster.client, cluster.informers, cluster.clock);
  await testNamespaceWithAccount(cluster.client);
  return Object.assign(cluster, { node });
}

async function rolledOut({ client }: Awaited<ReturnType<typeof openWithNode>>) {
  return eventually('rolled out', async () => {
    const web = await getWeb(client);
    return isRolledOut(web) && web;
  });
}

describe('a Deployment', () => {
  test('becomes a ReplicaSet and its pods, and its status says so', async () => {
    await using cluster = await openWithNode();
    const { client, clock } = cluster;
    await client.create(deployments, webDeployment());
    const web = await rolledOut(cluster);
    const [set] = await setsIn(client);
    expect(set?.metadata.ownerReferences).toMatchObject([
      { kind: 'Deployment', name: 'web', uid: web.metadata.uid, controller: true },
    ]);
    expect(web.metadata.annotations?.[revision]).toBe('1');
    await eventually('progress is complete', async () => {
      await clock.step(100);
      return conditionOf(await getWeb(client), 'Progressing');
    });
    const final = await eventually('both conditions', async () => {
      const now = await getWeb(client);
      return now.status?.conditions?.some(({ reason }) => reason === 'NewReplicaSetAvailable') && now;
    });
    expect(final.status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      updatedReplicas: 3,
    });
    expect(final.status?.conditions).toMatchObject([
      { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
      {
        type: 'Progressing',
        status: 'True',
        message: `ReplicaSet "${set?.metadata.name}" has successfully progressed.`,
      },
    ]);
    expect((await podsIn(client)).filter(isReady)).toHaveLength(3);
    expect(cluster.node.errors).toEqual([]);
  });

  test('rolls out a new template, keeps the old revision, and goes back to it', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(deployments, webDeployment());
    await rolledOut(cluster);
    await setImage(client, 'web:2');
    await eventually('all of the new image', async () => {
      const all = await podsIn(client);
      return all.length === 3 && all.every((pod) => imageOf(pod) === 'web:2');
    });
    await rolledOut(cluster);
    const revisions = async () =>
      Object.fromEntries(
        (await setsIn(client)).map(({ metadata, spec }) => [
          spec.template?.spec.containers[0]?.image,
          [
            metadata.annotations?.[revision],
            metadata.annotations?.['deployment.kubernetes.io/revision-history'],
            spec.replicas,
          ],
        ]),
      );
    expect(await revisions()).toEqual({ 'web:1': ['1', undefined, 0], 'web:2': ['2', undefined, 3] });
    await setImage(client, 'web:1');
    await eventually('back', async () => (await getWeb(client)).metadata.annotations?.[revision] === '3');
    await eventually('all of the old image', async () => {
      const all = await podsIn(client);
      return all.length === 3 && all.every((pod) => imageOf(pod) === 'web:1');
    });
    expect(await revisions()).toEqual({ 'web:1': ['3', '1', 3], 'web:2': ['2', undefined, 0] });
  });

  test('keeps no more history than asked', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(deployments, webDeployment({ replicas: 1, revisionHistoryLimit: 1 }));
    for (const image of ['web:2', 'web:3', 'web:4']) {
      await rolledOut(cluster);
      await setImage(client, image);
    }
    await eventually('two sets are left', async () => {
      const images = (await setsIn(client)).map(({ spec }) => spec.template?.spec.containers[0]?.image);
      return images.length === 2 && images.includes('web:4') && images.includes('web:3');
    });
  });

  test('stops at pods that never become ready, keeping enough of the old ones, and says when it took too long', async () => {
    await using cluster = await openWithNode();
    const { client, clock } = cluster;
    await client.create(deployments, webDeployment({ replicas: 4, progressDeadlineSeconds: 60 }));
    await rolledOut(cluster);
    cluster.node.accept = (pod) => imageOf(pod) !== 'bad';
    await setImage(client, 'bad');
    await eventually('the new pods are there', async () => {
      const all = await podsIn(client);
      return all.filter((pod) => imageOf(pod) === 'bad').length === 2 && all.length === 5;
    });
    expect((await podsIn(client)).filter(isReady)).toHaveLength(3);
    await eventually('the deadline passed', async () => {
      await clock.step(10_000);
      return (
        conditionOf(await getWeb(client), 'Progressing')?.valueOf() &&
        (await getWeb(client)).status?.conditions?.some(({ reason }) => reason === 'ProgressDeadlineExceeded')
      );
    });
    expect(conditionOf(await getWeb(client), 'Available')).toMatchObject({ status: 'True' });
    await setImage(client, 'web:2');
    await rolledOut(cluster);
  });

  test('recreates: no new pod before the last old one is gone', async () => {
    let mixed = false;
    await using cluster = await openWithNode();
    const { client, informers } = cluster;
    const view = informers.informer(pods);
    view.onChange(() => {
      if (new Set(view.list('test').map(imageOf)).size > 1) mixed = true;
    });
    await client.create(deployments, webDeployment({ strategy: { type: 'Recreate' } }));
    await rolledOut(cluster);
    await setImage(client, 'web:2');
    await eventually('all of the new image', async () => {
      const all = await podsIn(client);
      return all.length === 3 && all.every((pod) => imageOf(pod) === 'web:2' && isReady(pod));
    });
    expect(mixed).toBe(false);
  });

  test('paused, takes scaling but no new template until it is resumed', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    await client.create(deployments, webDeployment());
    await rolledOut(cluster);
    await patchWeb(client, { paused: true, replicas: 5, template: podTemplate('web:2') });
    await eventually('scaled', async () => {
      const web = await getWeb(client);
      return web.status?.availableReplicas === 5 && web.status.observedGeneration === web.metadata.generation;
    });
    expect((await podsIn(client)).map(imageOf)).toEqual(Array(5).fill('web:1'));
    expect(conditionOf(await getWeb(client), 'Progressing')).toMatchObject({
      status: 'Unknown',
      reason: 'DeploymentPaused',
    });
    await patchWeb(client, { paused: false });
    await rolledOut(cluster);
    await eventually('the new image', async () =>
      (await podsIn(client)).every((pod) => imageOf(pod) === 'web:2'),
    );
  });

  test('scaled in the middle of a rollout, shares among its sets', async () => {
    await using cluster = await openWithNode();
    const { client } = cluster;
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
    await client.create(deployments, webDeployment({ replicas: 10, strategy }));
    await rolledOut(cluster);
    cluster.node.accept = (pod) => imageOf(pod) !== 'bad';
    await setImage(client, 'bad');
    const sizes = async () =>
      (await setsIn(client)).map(({ spec }) => spec.replicas ?? 0).sort((a, b) => a - b);
    await eventually('8 of the old and 5 of the new', async () => (await sizes()).join() === '5,8');
    await patchWeb(client, { replicas: 30 });
    // 33 allowed over 13: 5 grow to 12.7 and 8 to 20.3.
    await eventually('shared', async () => (await sizes()).join() === '13,20');
  });

  test('at rest writes nothing, neither over time nor after a restart', async () => {
    const writes: string[] = [];
    await using cluster = await openWithNode({
      wrap: (client) =>
        watchWrites(client, { before: (verb, resource) => void writes.push(`${verb} ${resource}`) }),
    });
    const { client, clock } = cluster;
    await client.create(deployments, webDeployment());
    await rolledOut(cluster);
    await eventually('complete', async () => {
      await clock.step(2_000);
      return (await getWeb(client)).status?.conditions?.some(
        ({ reason }) => reason === 'NewReplicaSetAvailable',
      );
    });
    await eventually('settled', async () => {
      const before = writes.length;
      await clock.step(5_000);
      await cluster.controllers.queue.idle();
      return writes.length === before;
    });
    const before = writes.length;
    await clock.step(3_600_000);
    await cluster.controllers.queue.idle();
    await cluster.restart();
    await cluster.controllers.queue.idle();
    expect(writes.slice(before)).toEqual([]);
  });
});
