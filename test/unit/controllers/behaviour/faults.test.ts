import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { KubeClient, Resource } from '../../../../lib/client/port.ts';
import {
  cronJobs,
  daemonSets,
  deployments,
  events,
  jobs,
  namespaces,
  nodes,
  pods,
  replicaSets,
  replicationControllers,
  resourceQuotas,
  statefulSets,
} from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { addHollowNode } from './hollow-node.ts';
import {
  conditionOf,
  getWeb,
  isRolledOut,
  podTemplate,
  podsIn,
  setsIn,
  testNamespaceWithAccount,
  webDeployment,
} from './objects.ts';
import { watchWrites } from './watched-client.ts';

const workloads = ['deployment', 'replicaset', 'serviceaccount'];

const replicaSet = (name: string, replicas: number) => ({
  metadata: { namespace: 'test', name },
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web:1') },
});

/** Whoever deleted it. */
async function gone(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
  }
}

describe('a controller that fails on one key', () => {
  test('serves the others, and that one when its reason to fail is gone', async () => {
    let isPoisoned = true;
    let failures = 0;
    const metrics = new Registry();
    await using cluster = await openCluster({
      controllers: workloads,
      metrics,
      wrap: (client) =>
        watchWrites(client, {
          before(_verb, resource, subject) {
            const { metadata } = subject as { metadata?: { labels?: { app?: string } } };
            if (!isPoisoned || resource !== 'replicasets' || metadata?.labels?.app !== 'bad') return;
            failures++;
            throw new TypeError('nobody thought of this');
          },
        }),
    });
    const { client, clock, informers } = cluster;
    await addHollowNode(client, informers, clock);
    await testNamespaceWithAccount(client);
    const labels = { app: 'bad' };
    const bad = webDeployment({
      replicas: 1,
      selector: { matchLabels: labels },
      template: { ...podTemplate('bad:1'), metadata: { labels } },
    });
    await client.create(deployments, { ...bad, metadata: { namespace: 'test', name: 'bad' } });
    await eventually('it fails again and again', async () => {
      await clock.step(20);
      return failures >= 4;
    });
    await client.create(deployments, webDeployment());
    await eventually('the other one is there', async () => {
      await clock.step(20);
      return isRolledOut(await getWeb(client));
    });
    const told = await eventually('an event says why', async () => {
      await clock.step(20);
      const { items } = await client.list(events, { namespace: 'test' });
      return items.find(({ reason }) => reason === 'ReconcileFailed');
    });
    expect(told).toMatchObject({
      type: 'Warning',
      involvedObject: { kind: 'Deployment', name: 'bad' },
      message: 'nobody thought of this',
    });
    const counted = /^controller_reconcile_total\{name="deployment",outcome="failed"\} (\d+)$/m;
    expect(Number(counted.exec(await metrics.metrics())?.[1])).toBeGreaterThanOrEqual(4);
    const before = failures;
    await clock.step(20);
    expect(failures - before, 'it is tried ever more rarely').toBeLessThanOrEqual(1);
    isPoisoned = false;
    await eventually('the first one is there', async () => {
      await clock.step(5_000);
      return isRolledOut(await client.get(deployments, { namespace: 'test', name: 'bad' }));
    });
  });
});

describe('an object that is deleted', () => {
  test.each(['before', 'after'] as const)(
    '%s any write of its controllers is no error, and leaves nothing behind',
    async (when) => {
      let writes = 0;
      let step = 0;
      let remove: () => Promise<void> = async () => undefined;
      const act = async (_verb: string, resource: string): Promise<void> => {
        if (resource === 'deployments' || resource === 'replicasets' || resource === 'pods') {
          if (writes++ === step) await remove();
        }
      };
      await using cluster = await openCluster({
        controllers: [...workloads, 'garbage-collector'],
        wrap: (client) => watchWrites(client, { [when]: act }),
      });
      const { client, clock } = cluster;
      await testNamespaceWithAccount(client);
      for (let isOver = false; !isOver; step++) {
        const name = `web-${step}`;
        writes = 0;
        remove = async () => {
          await gone(client.delete(deployments, { namespace: 'test', name }));
          for (const { metadata } of await setsIn(client)) {
            await gone(client.delete(replicaSets, { namespace: 'test', name: metadata.name }));
          }
          for (const { metadata } of await podsIn(client)) {
            const ref = { namespace: 'test', name: metadata.name };
            await gone(client.delete(pods, ref, { gracePeriodSeconds: 0 }));
          }
        };
        await client.create(deployments, { ...webDeployment(), metadata: { namespace: 'test', name } });
        isOver = await eventually('it is removed, or there without that many writes', async () => {
          await clock.step(500);
          if (writes > step) return 'removed';
          const web = await client.get(deployments, { namespace: 'test', name });
          return web.status?.observedGeneration === 1 && web.status.replicas === 3 && 'there';
        }).then((outcome) => outcome === 'there');
        if (isOver) break;
        await eventually('nothing is left', async () => {
          await clock.step(500);
          return (await podsIn(client)).length + (await setsIn(client)).length === 0;
        });
      }
      expect(step, 'writes were tried').toBeGreaterThan(4);
      const warnings = (await client.list(events)).items.filter(({ type }) => type === 'Warning');
      expect(warnings.map(({ message }) => message)).toEqual([]);
    },
    120_000,
  );
});

describe('what the API server refuses', () => {
  test('is an event and a condition, and is no more once there is room', async () => {
    await using cluster = await openCluster({ controllers: [...workloads, 'resourcequota'] });
    const { client, clock } = cluster;
    await testNamespaceWithAccount(client);
    const quota = { namespace: 'test', name: 'few' };
    await client.create(resourceQuotas, { metadata: quota, spec: { hard: { pods: '2' } } });
    await eventually('the quota is counted', async () => {
      await clock.step(1_000);
      return (await client.get(resourceQuotas, quota)).status?.used !== undefined;
    });
    await client.create(deployments, webDeployment());
    const failing = await eventually('the Deployment says so', async () => {
      await clock.step(1_000);
      const web = await getWeb(client);
      return conditionOf(web, 'ReplicaFailure') && web;
    });
    const refused =
      /^pods "web-[^"]+" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2$/;
    const expected = { status: 'True', reason: 'FailedCreate', message: expect.stringMatching(refused) };
    expect(conditionOf(failing, 'ReplicaFailure')).toMatchObject(expected);
    expect(await podsIn(client)).toHaveLength(2);
    const event = await eventually('an event', async () =>
      (await client.list(events, { namespace: 'test' })).items.find(
        ({ reason }) => reason === 'FailedCreate',
      ),
    );
    expect(event).toMatchObject({ type: 'Warning', involvedObject: { kind: 'ReplicaSet' } });
    expect(event.message).toMatch(/^Error creating: pods "web-/);
    await client.patch(resourceQuotas, quota, { type: 'merge', patch: { spec: { hard: { pods: '5' } } } });
    await eventually('three pods, and nothing to complain of', async () => {
      await clock.step(5_000);
      const web = await getWeb(client);
      return (await podsIn(client)).length === 3 && !conditionOf(web, 'ReplicaFailure');
    });
  });

  const selector = { matchLabels: { app: 'web' } };
  const template = podTemplate('web:1');
  const jobTemplate = { ...template.spec, restartPolicy: 'Never' };
  const ref = { namespace: 'test', name: 'web' };
  const podQuota =
    /^Error creating: pods "web-[^"]+" is forbidden: exceeded quota: none, requested: pods=1, /;
  const owners: [string, (client: KubeClient) => Promise<unknown>, string, RegExp][] = [
    [
      'ReplicationController',
      (client) =>
        client.create(replicationControllers, {
          metadata: ref,
          spec: { replicas: 1, selector: { app: 'web' }, template },
        }),
      'replicationcontroller',
      podQuota,
    ],
    [
      'StatefulSet',
      (client) =>
        client.create(statefulSets, { metadata: ref, spec: { serviceName: 'web', selector, template } }),
      'statefulset',
      /^create Pod web-0 in StatefulSet web failed error: pods "web-0" is forbidden: exceeded quota: none, /,
    ],
    [
      'DaemonSet',
      (client) => client.create(daemonSets, { metadata: ref, spec: { selector, template } }),
      'daemonset',
      podQuota,
    ],
    [
      'Job',
      (client) => client.create(jobs, { metadata: ref, spec: { template: { spec: jobTemplate } } }),
      'job',
      podQuota,
    ],
    [
      'CronJob',
      (client) =>
        client.create(cronJobs, {
          metadata: ref,
          spec: { schedule: '* * * * *', jobTemplate: { spec: { template: { spec: jobTemplate } } } },
        }),
      'cronjob',
      /^Error creating job: jobs\.batch "web-\d+" is forbidden: exceeded quota: none, requested: count\/jobs\.batch=1, /,
    ],
  ];

  test.each(owners)(
    'of a %s is an event of its own, and it is tried again until there is room',
    async (kind, create, controller, message) => {
      await using cluster = await openCluster({
        controllers: [controller, 'resourcequota', 'serviceaccount'],
      });
      const { client, clock, informers } = cluster;
      const node = await addHollowNode(client, informers, clock);
      await testNamespaceWithAccount(client);
      const quota = { namespace: 'test', name: 'none' };
      const hard: Record<string, string> = kind === 'CronJob' ? { 'count/jobs.batch': '0' } : { pods: '0' };
      // Nodes are tainted until somebody has seen that they are ready, which nobody does here.
      await client.patch(nodes, { name: node.name }, { type: 'merge', patch: { spec: { taints: null } } });
      await client.create(resourceQuotas, { metadata: quota, spec: { hard } });
      await eventually('the quota is counted', async () => {
        await clock.step(1_000);
        return (await client.get(resourceQuotas, quota)).status?.used !== undefined;
      });
      await create(client);
      const event = await eventually('an event', async () => {
        await clock.step(5_000);
        const { items } = await client.list(events, { namespace: 'test' });
        return items.find((one) => one.reason === 'FailedCreate' && one.involvedObject.kind === kind);
      });
      expect(event).toMatchObject({ type: 'Warning', involvedObject: { name: 'web' } });
      expect(event.message).toMatch(message);
      await client.delete(resourceQuotas, quota);
      await eventually('what was refused', async () => {
        await clock.step(60_000);
        const made = kind === 'CronJob' ? await client.list(jobs) : await client.list(pods);
        return made.items.length === 1;
      });
      expect(node.errors).toEqual([]);
    },
  );

  const resources: Resource<KubeObject>[] = [replicationControllers, statefulSets, daemonSets, jobs];
  const podOwners = owners.filter(([kind]) => kind !== 'CronJob');

  test.each(podOwners)(
    'of a %s because of a policy is an event, and a conflict is none',
    async (kind, create, controller) => {
      let conflicts = 3;
      await using cluster = await openCluster({
        controllers: [controller, 'serviceaccount'],
        wrap: (client) =>
          watchWrites(client, {
            // Somebody else writes what the controller is about to write.
            async before(verb, resource) {
              const found = resources.find((one) => one.plural === resource);
              if (verb !== 'update' || found?.kind !== kind || conflicts-- <= 0) return;
              const patch = { metadata: { annotations: { left: `${conflicts}` } } };
              await cluster.client.patch(found, ref, { type: 'merge', patch });
            },
          }),
      });
      const { client, clock, informers } = cluster;
      const node = await addHollowNode(client, informers, clock);
      await client.patch(nodes, { name: node.name }, { type: 'merge', patch: { spec: { taints: null } } });
      await testNamespaceWithAccount(client);
      const enforce = (level: string) =>
        client.patch(
          namespaces,
          { name: 'test' },
          {
            type: 'merge',
            patch: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': level } } },
          },
        );
      await enforce('restricted');
      await create(client);
      const event = await eventually('an event', async () => {
        await clock.step(5_000);
        const { items } = await client.list(events, { namespace: 'test' });
        return items.find((one) => one.reason === 'FailedCreate' && one.involvedObject.kind === kind);
      });
      const pod = / pods "web-[^"]+" is forbidden: violates PodSecurity "restricted:latest": /;
      expect(event).toMatchObject({ type: 'Warning', message: expect.stringMatching(pod) });
      await enforce('privileged');
      await eventually('the pod, and the conflicts behind it', async () => {
        await clock.step(60_000);
        return (await podsIn(client)).length === 1 && conflicts <= 0;
      });
      const { items } = await client.list(events, { namespace: 'test' });
      const warnings = items.filter(({ type, reason }) => type === 'Warning' && reason !== 'FailedCreate');
      expect(warnings.map(({ message }) => message)).toEqual([]);
    },
  );

  test('of a claim is told of it and of the pod that waits for it', async () => {
    await using cluster = await openCluster({
      controllers: ['statefulset', 'resourcequota', 'serviceaccount'],
    });
    const { client, clock } = cluster;
    await testNamespaceWithAccount(client);
    const quota = { namespace: 'test', name: 'none' };
    const hard = { persistentvolumeclaims: '0' };
    await client.create(resourceQuotas, { metadata: quota, spec: { hard } });
    await eventually('the quota is counted', async () => {
      await clock.step(1_000);
      return (await client.get(resourceQuotas, quota)).status?.used !== undefined;
    });
    const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: claim }];
    await client.create(statefulSets, {
      metadata: ref,
      spec: { replicas: 1, serviceName: 'web', selector, template, volumeClaimTemplates },
    });
    const refused =
      'persistentvolumeclaims "data-web-0" is forbidden: exceeded quota: none, requested: persistentvolumeclaims=1, used: persistentvolumeclaims=0, limited: persistentvolumeclaims=0';
    await eventually('both events', async () => {
      await clock.step(1_000);
      const { items } = await client.list(events, { namespace: 'test' });
      const messages = items.filter(({ reason }) => reason === 'FailedCreate').map(({ message }) => message);
      expect(new Set(messages)).toEqual(
        new Set([
          `create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: ${refused}`,
          `create Pod web-0 in StatefulSet web failed error: failed to create PVC data-web-0: ${refused}`,
        ]),
      );
      return true;
    });
    await client.delete(resourceQuotas, quota);
    await eventually('the pod', async () => {
      await clock.step(60_000);
      return (await podsIn(client)).length === 1;
    });
  });

  test('because its namespace goes away is not asked for hundreds of times, and is neither an event nor a condition', async () => {
    let refusals = 0;
    await using cluster = await openCluster({
      controllers: ['replicaset', 'serviceaccount'],
      wrap: (client) =>
        watchWrites(client, {
          before: (verb, resource) => void (verb === 'create' && resource === 'pods' && refusals++),
        }),
    });
    const { client, clock } = cluster;
    await testNamespaceWithAccount(client);
    await client.create(replicaSets, replicaSet('web', 0));
    // Nobody empties it: the controller that would does not run.
    await client.delete(namespaces, { name: 'test' });
    await client.patch(
      replicaSets,
      { namespace: 'test', name: 'web' },
      { type: 'merge', patch: { spec: { replicas: 1_200 } } },
    );
    const set = await eventually('it has been looked at', async () => {
      await clock.step(1_000);
      const found = await client.get(replicaSets, { namespace: 'test', name: 'web' });
      return found.status?.observedGeneration === 2 && found;
    });
    for (let step = 0; step < 10; step++) await clock.step(1_000);
    // Once for each look at it: of the change, and of the status that followed.
    expect(refusals).toBeLessThan(5);
    expect(conditionOf(set, 'ReplicaFailure')).toBeUndefined();
    const all = await client.list(events, { namespace: 'test' }).catch((error: unknown) => {
      if (isKind(error, 'NotFound')) return { items: [] };
      throw error;
    });
    expect(all.items.filter(({ type }) => type === 'Warning')).toEqual([]);
  });
});
