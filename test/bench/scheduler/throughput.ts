import { startScheduler } from '../../../functions/scheduler/index.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { KubeClient, ObjectRef, Resource } from '../../../lib/client/port.ts';
import { nodes, pods, priorityClasses, services } from '../../../lib/client/resources.ts';
import { pause, systemClock } from '../../../lib/clock.ts';
import { isKind } from '../../../lib/errors.ts';
import { createLogger } from '../../../lib/log.ts';
import { eventually } from '../../support/wait.ts';
import { createNodes, createPods, podOf, type PodTemplate, startControlPlane } from './cluster.ts';
import { highPriority, type Workload } from './workloads.ts';

export interface Throughput {
  podsPerSecond: number;
  /** CPU time of everything in the process for each pod: on a busy machine it says more than the time that went by. */
  cpuMicroseconds: number;
}

/** From the first create to the last binding, through the real API server and store in one process. */
export async function throughput(workload: Workload, scale: number): Promise<Throughput> {
  const controlPlane = await startControlPlane();
  const stop = new AbortController();
  const log = createLogger('scheduler', 'error');
  const scaled = (count: number) => Math.max(1, Math.round(count * scale));
  try {
    const { admin } = controlPlane;
    await admin.create(priorityClasses, { metadata: { name: highPriority }, value: 10 });
    const nodeCount = scaled(workload.nodes);
    await createNodes(admin, nodeCount, { labels: (index) => zoneLabel(workload, index) });
    if (workload.initial) {
      await createPods(admin, scaled(workload.initial.count), workload.initial.template, nodeCount);
    }
    const { prefix } = workload.measured.template;
    let bound = 0;
    const client = countingBindings(controlPlane.scheduler, (podName) => {
      if (podName.startsWith(prefix)) bound++;
    });
    await startScheduler({ client, clock: systemClock, log, signal: stop.signal });
    if (workload.inTheWay) {
      await createPods(admin, scaled(workload.inTheWay.count), workload.inTheWay.template);
    }
    const churning = workload.churn && churn(admin, workload.churn, stop.signal);
    const count = scaled(workload.measured.count);
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    await createPods(admin, count, workload.measured.template);
    await eventually('every pod has a node', () => bound >= count, { withinMs: 600_000, everyMs: 5 });
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    stop.abort(new Error('the benchmark ended'));
    await churning;
    return { podsPerSecond: count / seconds, cpuMicroseconds: (user + system) / count };
  } finally {
    stop.abort(new Error('the benchmark ended'));
    await controlPlane.close();
  }
}

/** Counts what the API server has acknowledged: a watch of all pods would cost more than what it measures. */
function countingBindings(client: KubeClient, count: (podName: string) => void): KubeClient {
  return {
    ...client,
    async createSubresource<B extends KubeObject, R extends KubeObject>(
      resource: Resource<KubeObject>,
      ref: ObjectRef,
      subresource: string,
      body: B,
    ): Promise<R> {
      const answer = await client.createSubresource<B, R>(resource, ref, subresource, body);
      if (subresource === 'binding') count(ref.name);
      return answer;
    },
  };
}

export function zoneLabel({ zones = [] }: Workload, index: number): Record<string, string> {
  return zones.length > 0 ? { 'topology.kubernetes.io/zone': zones[index % zones.length] as string } : {};
}

/** As scheduler_perf's churn operation in its mode "recreate": one of each, once a second. */
async function churn(admin: KubeClient, template: PodTemplate, signal: AbortSignal): Promise<void> {
  const name = 'churn';
  const ref = { namespace: 'default', name };
  const gone = (error: unknown) => {
    if (!isKind(error, 'NotFound')) throw error;
  };
  for (let turn = 0; !signal.aborted; turn++) {
    await admin.create(nodes, { metadata: { name: `${name}-${turn}` }, spec: {} });
    await admin.create(services, {
      metadata: ref,
      spec: { selector: { app: 'foo' }, ports: [{ port: 80 }] },
    });
    await admin.create(pods, podOf(template, turn));
    await pause(systemClock, 1_000, signal);
    await admin.delete(nodes, { name: `${name}-${turn}` }).catch(gone);
    await admin.delete(services, ref).catch(gone);
    const pod = { namespace: 'default', name: `${template.prefix}-${turn}` };
    await admin.delete(pods, pod, { gracePeriodSeconds: 0 }).catch(gone);
  }
}
