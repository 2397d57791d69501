import type { Deployment, DeploymentSpec, Pod, ReplicaSet } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import {
  deployments,
  namespaces,
  pods,
  replicaSets,
  serviceAccounts,
} from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';

/** What a user would apply. */
export function webDeployment(spec: Partial<DeploymentSpec> = {}): Deployment {
  return {
    metadata: { name: 'web', namespace: 'test' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: podTemplate('web:1'),
      ...spec,
    },
  };
}

export function podTemplate(image: string) {
  return { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } };
}

export async function testNamespace(client: KubeClient): Promise<void> {
  await client.create(namespaces, { metadata: { name: 'test' }, spec: {} });
}

/** Pods are refused in a namespace until it has its account. */
export async function testNamespaceWithAccount(client: KubeClient): Promise<void> {
  await testNamespace(client);
  await eventually(
    'the default account',
    () => client.get(serviceAccounts, { namespace: 'test', name: 'default' }),
    { everyMs: 5 },
  );
}

export async function podsIn(client: KubeClient): Promise<Persisted<Pod>[]> {
  return (await client.list(pods, { namespace: 'test' })).items;
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

export function imageOf(pod: Pod): string | undefined {
  return pod.spec.containers[0]?.image;
}

export async function setsIn(client: KubeClient): Promise<Persisted<ReplicaSet>[]> {
  return (await client.list(replicaSets, { namespace: 'test' })).items;
}

export function getWeb(client: KubeClient): Promise<Persisted<Deployment>> {
  return client.get(deployments, { namespace: 'test', name: 'web' });
}

export async function patchWeb(client: KubeClient, spec: object): Promise<void> {
  await client.patch(deployments, { namespace: 'test', name: 'web' }, { type: 'merge', patch: { spec } });
}

export async function setImage(client: KubeClient, image: string): Promise<void> {
  await patchWeb(client, { template: podTemplate(image) });
}

/** What `kubectl rollout status` waits for. */
export function isRolledOut({ metadata, spec, status }: Deployment): boolean {
  return (
    status?.observedGeneration === metadata.generation &&
    (status?.updatedReplicas ?? 0) === spec.replicas &&
    (status?.replicas ?? 0) === spec.replicas &&
    (status?.availableReplicas ?? 0) === spec.replicas
  );
}

export function conditionOf(object: { status?: { conditions?: { type: string }[] } }, type: string) {
  return object.status?.conditions?.find((condition) => condition.type === type);
}
