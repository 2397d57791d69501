import type {
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerSpec,
} from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { KubeClient, ListOptions, Resource } from '../../../../lib/client/port.ts';
import { deployments, horizontalPodAutoscalers } from '../../../../lib/client/resources.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { KumulusError } from '../../../../lib/errors.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { addHollowNode, type HollowNode } from './hollow-node.ts';
import { isReady, podsIn, podTemplate, testNamespaceWithAccount, webDeployment } from './objects.ts';

const ref = { namespace: 'test', name: 'web' };

/** A metrics server: what each pod uses, in thousandths of a CPU; undefined while there is none. */
export interface Metrics {
  cpuMilli: number | undefined;
}

/** The client as it is where a metrics server is aggregated into the API. */
function withMetrics(client: KubeClient, metrics: Metrics, now: () => number): KubeClient {
  const list = async <T extends KubeObject>(resource: Resource<T>, options?: ListOptions) => {
    if (resource.group !== 'metrics.k8s.io') return await client.list(resource, options);
    if (metrics.cpuMilli === undefined) {
      throw new KumulusError('NotFound', 'the server could not find the requested resource');
    }
    const running = (await podsIn(client)).filter(isReady);
    const items = running.map(({ metadata: { name } }) => ({
      metadata: { name },
      timestamp: rfc3339(now()),
      window: '30s',
      containers: [{ name: 'web', usage: { cpu: `${metrics.cpuMilli}m` } }],
    }));
    return { metadata: {}, items } as unknown as Awaited<ReturnType<typeof client.list<T>>>;
  };
  return { ...client, list: list as KubeClient['list'] };
}

/** A Deployment of two pods that ask for 100m each, and an autoscaler that would have them use half of it. */
export async function openScaledCluster(
  spec: Partial<V2HorizontalPodAutoscalerSpec> = {},
  wrap: (client: KubeClient) => KubeClient = (client) => client,
): Promise<TestCluster & { metrics: Metrics; node: HollowNode }> {
  const metrics: Metrics = { cpuMilli: undefined };
  const controllers = ['horizontalpodautoscaling', 'deployment', 'replicaset', 'serviceaccount'];
  const now = { of: () => 0 };
  const cluster = await openCluster({
    controllers,
    wrap: (client) => wrap(withMetrics(client, metrics, () => now.of())),
  });
  now.of = cluster.clock.now;
  const { client, clock, informers } = cluster;
  const node = await addHollowNode(client, informers, clock);
  await testNamespaceWithAccount(client);
  const template = podTemplate('web:1');
  const containers = [{ name: 'web', image: 'web:1', resources: { requests: { cpu: '100m' } } }];
  await client.create(
    deployments,
    webDeployment({ replicas: 2, template: { ...template, spec: { containers } } }),
  );
  const autoscaler: V2HorizontalPodAutoscaler = {
    metadata: ref,
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
        },
      ],
      ...spec,
    },
  };
  await client.create(horizontalPodAutoscalers, autoscaler);
  return Object.assign(cluster, { metrics, node });
}
