import { expect, test } from 'vitest';
import { deployments, events, horizontalPodAutoscalers } from '../../../../lib/client/resources.ts';
import { openScaledCluster } from './autoscaled.ts';
import type { TestCluster } from './cluster.ts';
import { stepped } from './jobs.ts';
import { getWeb } from './objects.ts';

const ref = { namespace: 'test', name: 'web' };

const shown = async ({ client }: TestCluster, type: string) => {
  const { status } = await client.get(horizontalPodAutoscalers, ref);
  return status?.conditions?.find((condition) => condition.type === type);
};

const replicasAre = (cluster: TestCluster, count: number) =>
  stepped(
    cluster,
    `${count} replicas`,
    async () => (await getWeb(cluster.client)).spec.replicas === count,
    5_000,
  );

test('without metrics nothing changes, and the conditions say why', async () => {
  await using cluster = await openScaledCluster();
  await stepped(
    cluster,
    'the condition',
    async () => (await shown(cluster, 'ScalingActive'))?.status === 'False',
    5_000,
  );
  const condition = await shown(cluster, 'ScalingActive');
  expect(condition).toMatchObject({ reason: 'FailedGetResourceMetric' });
  const why =
    'failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)';
  expect(condition?.message).toBe(`the HPA was unable to compute the replica count: ${why}`);
  const all = `invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${why}`;
  await stepped(cluster, 'the events', async () => {
    const { items } = await cluster.client.list(events, { namespace: 'test' });
    const told = (reason: string) => items.find((one) => one.reason === reason)?.message;
    return told('FailedGetResourceMetric') === why && told('FailedComputeMetricsReplicas') === all;
  });
  expect(await shown(cluster, 'AbleToScale')).toMatchObject({ status: 'True', reason: 'SucceededGetScale' });
  expect((await getWeb(cluster.client)).spec.replicas).toBe(2);
});

test('follows the load up at once, at most twofold, and down once it has been low for five minutes', async () => {
  await using cluster = await openScaledCluster();
  cluster.metrics.cpuMilli = 100;
  await replicasAre(cluster, 4);
  await replicasAre(cluster, 8);
  await replicasAre(cluster, 10);
  const { status } = await cluster.client.get(horizontalPodAutoscalers, ref);
  expect(status).toMatchObject({ desiredReplicas: 10 });
  expect(status?.lastScaleTime).toBeDefined();
  await stepped(
    cluster,
    'limited',
    async () => (await shown(cluster, 'ScalingLimited'))?.reason === 'TooManyReplicas',
    5_000,
  );
  cluster.metrics.cpuMilli = 10;
  const lowSince = cluster.clock.now();
  await stepped(
    cluster,
    'held',
    async () => (await shown(cluster, 'AbleToScale'))?.reason === 'ScaleDownStabilized',
    5_000,
  );
  expect((await getWeb(cluster.client)).spec.replicas).toBe(10);
  await replicasAre(cluster, 2);
  expect(cluster.clock.now() - lowSince).toBeGreaterThanOrEqual(280_000);
  const reasons = (await cluster.client.list(events, { namespace: 'test' })).items.map(
    ({ reason, message }) => `${reason}: ${message}`,
  );
  expect(reasons).toContain(
    'SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target',
  );
  expect(reasons).toContain('SuccessfulRescale: New size: 2; reason: All metrics below target');
});

test('keeps the number within its limits whatever the metrics say, and leaves a target of zero alone', async () => {
  await using cluster = await openScaledCluster({ minReplicas: 3, maxReplicas: 4 });
  await replicasAre(cluster, 3);
  await cluster.client.patch(deployments, ref, { type: 'merge', patch: { spec: { replicas: 9 } } });
  await replicasAre(cluster, 4);
  await cluster.client.patch(deployments, ref, { type: 'merge', patch: { spec: { replicas: 0 } } });
  await stepped(
    cluster,
    'disabled',
    async () => (await shown(cluster, 'ScalingActive'))?.reason === 'ScalingDisabled',
    5_000,
  );
  expect((await getWeb(cluster.client)).spec.replicas).toBe(0);
});

test('a target that is not there is told of', async () => {
  await using cluster = await openScaledCluster({
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'gone' },
  });
  await stepped(
    cluster,
    'told',
    async () => (await shown(cluster, 'AbleToScale'))?.reason === 'FailedGetScale',
    5_000,
  );
  expect((await shown(cluster, 'AbleToScale'))?.message).toBe(
    `the HPA controller was unable to get the target's current scale: deployments.apps "gone" not found`,
  );
});
