import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { SchedulingQueue } from './queue/queue.ts';

type Result = 'scheduled' | 'unschedulable' | 'error';

interface SchedulerMetrics {
  /** An attempt, from when the pod left the queue to its binding or to why it has no node. */
  attempt(profile: string, result: Result, durationMs: number): void;
  /** A pod got its node, after so many attempts; `waitedMs` from when it was first seen. */
  placed(attempts: number, waitedMs: number): void;
  /** Preemption made room. */
  preempted(victims: number): void;
}

/** `count` bounds, each `factor` times the one before. */
function exponential(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i);
}

/** kube-scheduler's metrics (Kubernetes Metrics Reference), in the registry given. */
export function createSchedulerMetrics(registry: Registry, queue: () => SchedulingQueue): SchedulerMetrics {
  const registers = [registry];
  const attempts = new Counter({
    name: 'scheduler_schedule_attempts_total',
    help: "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.",
    labelNames: ['profile', 'result'],
    registers,
  });
  const durations = new Histogram({
    name: 'scheduler_scheduling_attempt_duration_seconds',
    help: 'Scheduling attempt latency in seconds (scheduling algorithm + binding)',
    labelNames: ['profile', 'result'],
    buckets: exponential(0.001, 2, 15),
    registers,
  });
  const perPod = new Histogram({
    name: 'scheduler_pod_scheduling_attempts',
    help: 'Number of attempts to successfully schedule a pod.',
    buckets: exponential(1, 2, 5),
    registers,
  });
  const waited = new Histogram({
    name: 'scheduler_pod_scheduling_sli_duration_seconds',
    help: 'E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.',
    labelNames: ['attempts'],
    buckets: exponential(0.01, 2, 20),
    registers,
  });
  const preemptions = new Counter({
    name: 'scheduler_preemption_attempts_total',
    help: 'Total preemption attempts in the cluster till now',
    registers,
  });
  const victims = new Histogram({
    name: 'scheduler_preemption_victims',
    help: 'Number of selected preemption victims',
    buckets: exponential(1, 2, 7),
    registers,
  });
  new Gauge({
    name: 'scheduler_pending_pods',
    help: "Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of pods in backoffQ; 'unschedulable' means number of pods in unschedulableQ that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule because they are gated.",
    labelNames: ['queue'],
    registers,
    collect() {
      const { active, backoff, unschedulable } = queue().counts;
      const { gated } = queue();
      this.set({ queue: 'active' }, active);
      this.set({ queue: 'backoff' }, backoff);
      this.set({ queue: 'unschedulable' }, unschedulable - gated);
      this.set({ queue: 'gated' }, gated);
    },
  });
  new Gauge({
    name: 'scheduler_unschedulable_pods',
    help: 'The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all plugins that caused it to not schedule and so this metric has meaning only when broken down by plugin.',
    labelNames: ['plugin', 'profile'],
    registers,
    collect() {
      this.reset();
      for (const [profile, plugin] of queue().turnedDownBy()) this.inc({ plugin, profile });
    },
  });
  return {
    attempt(profile, result, durationMs) {
      attempts.inc({ profile, result });
      durations.observe({ profile, result }, durationMs / 1000);
    },
    placed(count, waitedMs) {
      perPod.observe(count);
      // Upstream's labels end there, so that a pod that waits for days makes no new series each time.
      waited.observe({ attempts: count > 15 ? '16+' : String(count) }, waitedMs / 1000);
    },
    preempted(count) {
      preemptions.inc();
      victims.observe(count);
    },
  };
}
