import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueMetrics } from '../../lib/queue/embedded/index.ts';

export interface ControllerMetrics extends QueueMetrics {
  deadLetter(controller: string): void;
}

const labelNames = ['name'] as const;
/** client-go's: 10 ns to 10 s by tens; those under 10 µs say nothing of a process like ours. */
const buckets = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100];

/** The `workqueue_*` family of client-go, in the registry given. */
export function createControllerMetrics(registry: Registry): ControllerMetrics {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames, registers });
  const adds = counter('workqueue_adds_total', 'Total number of adds handled by workqueue');
  const retries = counter('workqueue_retries_total', 'Total number of retries handled by workqueue');
  const dead = counter('workqueue_dead_letters_total', 'Items given up after their last try');
  const depth = new Gauge({
    name: 'workqueue_depth',
    help: 'Current depth of workqueue',
    labelNames,
    registers,
  });
  const waited = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long in seconds an item stays in workqueue before being requested.',
    labelNames,
    buckets,
    registers,
  });
  const worked = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long in seconds processing an item from workqueue takes.',
    labelNames,
    buckets,
    registers,
  });
  const outcomes = new Counter({
    name: 'controller_reconcile_total',
    help: 'Reconciles by controller and outcome',
    labelNames: ['name', 'outcome'],
    registers,
  });
  return {
    added: (name) => adds.inc({ name }),
    retried: (name) => retries.inc({ name }),
    depth: (name, waiting) => depth.set({ name }, waiting),
    handedOut: (name, waitedMs) => waited.observe({ name }, waitedMs / 1000),
    finished: (name, workedMs, outcome) => {
      worked.observe({ name }, workedMs / 1000);
      outcomes.inc({ name, outcome });
    },
    deadLetter: (name) => dead.inc({ name }),
  };
}
