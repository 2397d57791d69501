import { Registry } from 'prom-client';
import { afterEach, it } from 'vitest';
import { startScheduler } from '../../../functions/scheduler/index.ts';
import { pods } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createNodes, podOf, startControlPlane } from '../../bench/scheduler/cluster.ts';
import { eventually } from '../../support/wait.ts';

const stop = new AbortController();
let controlPlane: Awaited<ReturnType<typeof startControlPlane>> | undefined;

afterEach(async () => {
  stop.abort(new Error('the test ended'));
  await controlPlane?.close();
});

it('counts attempts, waiting pods and preemptions under kube-scheduler’s names', async () => {
  controlPlane = await startControlPlane();
  const { admin } = controlPlane;
  await createNodes(admin, 1);
  const registry = new Registry();
  await startScheduler({
    client: controlPlane.scheduler,
    clock: systemClock,
    log: silentLogger,
    metrics: registry,
    signal: stop.signal,
  });
  const create = (prefix: string, cpu: string, spec = {}) =>
    admin.create(pods, podOf({ prefix, requests: { cpu }, spec }, 0));
  const shows = (line: string | RegExp) =>
    eventually(
      `the metrics show ${line}`,
      async () => {
        const text = await registry.metrics();
        return typeof line === 'string' ? text.includes(`${line}\n`) : line.test(text);
      },
      { withinMs: 90_000 },
    );

  await create('fits', '3');
  await shows('scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 1');
  await shows('scheduler_pod_scheduling_attempts_count 1');
  await shows('scheduler_pod_scheduling_sli_duration_seconds_count{attempts="1"} 1');
  await create('gated', '1', { schedulingGates: [{ name: 'example.com/wait' }] });
  await shows('scheduler_pending_pods{queue="gated"} 1');
  await create('large', '9');
  await shows('scheduler_pending_pods{queue="unschedulable"} 1');
  await shows('scheduler_unschedulable_pods{plugin="NodeResourcesFit",profile="default-scheduler"} 1');
  await shows(/scheduler_schedule_attempts_total{profile="default-scheduler",result="unschedulable"} [1-9]/);
  await create('urgent', '3', { priorityClassName: 'system-cluster-critical' });
  await shows('scheduler_preemption_attempts_total 1');
  await shows('scheduler_preemption_victims_bucket{le="1"} 1');
  for (const queue of ['active', 'backoff']) await shows(`scheduler_pending_pods{queue="${queue}"} 0`);
}, 300_000);
