import { startScheduler } from '../../../functions/scheduler/index.ts';
import { createInformer } from '../../../lib/client/informer.ts';
import { pods } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createLogger } from '../../../lib/log.ts';
import { eventually } from '../../support/wait.ts';
import type { BenchResult } from '../result.ts';
import { createNodes, createPods, startControlPlane } from './cluster.ts';
import { type Workload, workloads } from './workloads.ts';

/**
 * Pods a second from the first create to the last binding, through the real API server and store in one process. With
 * KUMULUS_BENCH_SCALE below 1 the clusters are that much smaller; KUMULUS_BENCH_ONLY names one workload.
 */
export async function run(): Promise<BenchResult[]> {
  const scale = Number(process.env['KUMULUS_BENCH_SCALE'] ?? 1);
  const only = process.env['KUMULUS_BENCH_ONLY'];
  const results: BenchResult[] = [];
  for (const workload of workloads) {
    // Preempted pods end only where an agent ends them: that workload needs hollow nodes.
    if (workload.name === 'preemption' || (only && workload.name !== only)) continue;
    const value = await measure(workload, scale);
    results.push({
      name: `${workload.name}, ${workload.nodes * scale} nodes`,
      value: Math.round(value),
      unit: 'pods/s',
      target: `>= ${workload.target}`,
      peer: { name: "kube-scheduler's own threshold", value: workload.upstreamThreshold },
      ratio: Math.round((value / workload.upstreamThreshold) * 100) / 100,
    });
  }
  return results;
}

async function measure(workload: Workload, scale: number): Promise<number> {
  const controlPlane = await startControlPlane();
  const stop = new AbortController();
  const log = createLogger('scheduler', 'error');
  try {
    const { admin } = controlPlane;
    const zones = workload.zones ?? [];
    await createNodes(admin, Math.round(workload.nodes * scale), {
      labels: (index): Record<string, string> =>
        zones.length > 0 ? { 'topology.kubernetes.io/zone': zones[index % zones.length] as string } : {},
    });
    let bound = 0;
    const informer = createInformer(admin, pods, { clock: systemClock, log });
    informer.onChange(({ before, after }) => {
      if (after?.spec.nodeName && !before?.spec.nodeName) bound++;
    });
    await informer.start(stop.signal);
    await startScheduler({ client: controlPlane.scheduler, clock: systemClock, log, signal: stop.signal });
    if (workload.inTheWay) {
      await createPods(
        admin,
        Math.max(1, Math.round(workload.inTheWay.count * scale)),
        workload.inTheWay.template,
      );
    }
    const count = Math.round(workload.measured.count * scale);
    const startedAt = performance.now();
    await createPods(admin, count, workload.measured.template);
    const created = performance.now();
    await eventually('every pod has a node', () => bound >= count, { withinMs: 600_000, everyMs: 5 });
    const seconds = (performance.now() - startedAt) / 1000;
    log.info({ workload: workload.name, createSeconds: (created - startedAt) / 1000, seconds }, 'measured');
    return count / seconds;
  } finally {
    stop.abort(new Error('the benchmark ended'));
    await controlPlane.close();
  }
}
