import type { Job, JobSpec, Pod } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { jobs, pods } from '../../../../lib/client/resources.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster, type TestClusterOptions } from './cluster.ts';
import { addHollowNode, type HollowNode } from './hollow-node.ts';
import { podsIn, testNamespaceWithAccount } from './objects.ts';

const ref = { namespace: 'test', name: 'work' };

export function work(spec: Partial<JobSpec> = {}): Job {
  return {
    metadata: ref,
    spec: {
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work:1' }] } },
      ...spec,
    },
  };
}

/** The Job controller, a node and a namespace. */
export async function openJobCluster(
  wraps: Pick<TestClusterOptions, 'wrap' | 'wrapReads'> = {},
): Promise<TestCluster & { node: HollowNode }> {
  const controllers = ['job', 'garbage-collector', 'serviceaccount'];
  const cluster = await openCluster({ controllers, ...wraps });
  const node = await addHollowNode(cluster.client, cluster.informers, cluster.clock);
  await testNamespaceWithAccount(cluster.client);
  return Object.assign(cluster, { node });
}

export const getWork = (client: KubeClient): Promise<Persisted<Job>> => client.get(jobs, ref);

export async function patchWork(client: KubeClient, spec: object): Promise<void> {
  await client.patch(jobs, ref, { type: 'merge', patch: { spec } });
}

/** The pods that run and that nobody has ended. */
export async function running(client: KubeClient): Promise<Persisted<Pod>[]> {
  const all = await podsIn(client);
  return all.filter(({ status, metadata }) => status?.phase === 'Running' && !metadata.deletionTimestamp);
}

/** What a node reports of a pod whose container ended. A pod that is gone is left alone. */
export async function endPod(
  { client, clock }: TestCluster,
  pod: Persisted<Pod>,
  exitCode: number,
  conditions: object[] = [],
): Promise<void> {
  const at = rfc3339(clock.now());
  const phase = exitCode === 0 ? 'Succeeded' : 'Failed';
  const terminated = { exitCode, startedAt: at, finishedAt: at };
  const containerStatuses = [
    { name: 'main', image: 'work:1', imageID: 'work', ready: false, restartCount: 0, state: { terminated } },
  ];
  const ready = { type: 'Ready', status: 'False', lastTransitionTime: at };
  const { namespace, name } = pod.metadata;
  try {
    await client.patch(
      pods,
      { namespace, name },
      {
        type: 'strategic',
        patch: { status: { phase, containerStatuses, conditions: [ready, ...conditions] } },
      },
      { subresource: 'status' },
    );
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
  }
}

/** Steps time, little by little, until `probe` finds what it looks for. */
export function stepped<T>(
  { clock }: TestCluster,
  what: string,
  probe: () => Promise<T | undefined | false>,
  stepMs = 200,
): Promise<T> {
  return eventually(
    what,
    async () => {
      const found = await probe();
      if (found === undefined || found === false) await clock.step(stepMs);
      return found;
    },
    { everyMs: 5 },
  );
}

export function runningOnes(cluster: TestCluster, count: number): Promise<Persisted<Pod>[]> {
  return stepped(cluster, `${count} pods run`, async () => {
    const found = await running(cluster.client);
    return found.length === count && found;
  });
}

export const conditionTypes = ({ status }: Job): string[] =>
  (status?.conditions ?? []).filter((condition) => condition.status === 'True').map(({ type }) => type);

export function finished(cluster: TestCluster, type: 'Complete' | 'Failed'): Promise<Persisted<Job>> {
  return stepped(cluster, `the Job is ${type}`, async () => {
    const job = await getWork(cluster.client);
    return conditionTypes(job).includes(type) && job;
  });
}
