/** `apiserver_flowcontrol_*`, under upstream's names, read from the counts when they are asked for. */
import type { Metric, Registry } from 'prom-client';
import type { FlowControlState, Level } from './state.ts';
import type { Buckets, FlowStats } from './stats.ts';

type Labels = Record<string, string>;
interface Value {
  labels: Labels;
  value: number;
  metricName?: string;
}

const prefix = 'apiserver_flowcontrol_';

export function registerFlowControlMetrics(registry: Registry, state: FlowControlState): void {
  const add = (type: 'counter' | 'gauge' | 'histogram', name: string, help: string, read: () => Value[]) => {
    const metric = {
      name: prefix + name,
      help,
      type,
      aggregator: 'sum',
      collect: undefined,
      get: () => Promise.resolve({ name: prefix + name, help, type, aggregator: 'sum', values: read() }),
      reset: () => undefined,
    };
    // The registry asks nothing but this of a metric.
    registry.registerMetric(metric as unknown as Metric);
  };
  const flows = (): FlowStats[] => [...state.stats.values()];
  const labelsOf = ({ level, schema }: FlowStats): Labels => ({ priority_level: level, flow_schema: schema });
  const ofFlows = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    read: (flow: FlowStats) => number,
  ) => add(type, name, help, () => flows().map((flow) => ({ labels: labelsOf(flow), value: read(flow) })));
  const ofLevels = (name: string, help: string, read: (level: Level) => number) =>
    add('gauge', name, help, () =>
      [...state.levels.values()].map((level) => ({
        labels: { priority_level: level.name },
        value: read(level),
      })),
    );
  const histogram = (
    name: string,
    help: string,
    read: (flow: FlowStats) => { buckets: Buckets; labels?: Labels }[],
  ) =>
    add('histogram', name, help, () =>
      flows().flatMap((flow) =>
        read(flow).flatMap(({ buckets, labels }) =>
          histogramValues(prefix + name, { ...labelsOf(flow), ...labels }, buckets),
        ),
      ),
    );

  add('counter', 'rejected_requests_total', 'Number of requests that were refused', () =>
    flows().flatMap((flow) =>
      Object.entries(flow.rejected)
        .filter(([, value]) => value > 0)
        .map(([reason, value]) => ({ labels: { ...labelsOf(flow), reason }, value })),
    ),
  );
  ofFlows(
    'counter',
    'dispatched_requests_total',
    'Number of requests that were let in',
    (flow) => flow.dispatched,
  );
  ofFlows(
    'gauge',
    'current_inqueue_requests',
    'Number of requests that wait in queues',
    (flow) => flow.waiting,
  );
  ofFlows(
    'gauge',
    'current_inqueue_seats',
    'Number of seats that requests in queues wait for',
    (flow) => flow.seatsWaiting,
  );
  ofFlows(
    'gauge',
    'current_executing_requests',
    'Number of requests being worked on (watches: until they stand)',
    (flow) => flow.executing,
  );
  ofFlows(
    'gauge',
    'current_executing_seats',
    'Number of seats of the requests being worked on',
    (flow) => flow.seatsExecuting,
  );
  ofFlows(
    'counter',
    'request_dispatch_no_accommodation_total',
    'Number of times that too few seats were free for the next request',
    (flow) => flow.stalls,
  );
  histogram(
    'request_queue_length_after_enqueue',
    'Length of the queue that a request was put into',
    (flow) => [{ buckets: flow.queueLength }],
  );
  histogram('request_wait_duration_seconds', 'Time that requests spent in queues', (flow) => [
    { buckets: flow.waited, labels: { execute: 'true' } },
    { buckets: flow.waitedInVain, labels: { execute: 'false' } },
  ]);
  histogram(
    'request_execution_seconds',
    'Time that requests were worked on (watches: until they stood)',
    (flow) => [
      { buckets: flow.executed, labels: { type: 'regular' } },
      { buckets: flow.watchInitialized, labels: { type: 'watch' } },
    ],
  );
  histogram('work_estimated_seats', 'Number of seats that requests were taken to need', (flow) => [
    { buckets: flow.seats },
  ]);
  histogram('watch_count_samples', 'Number of watches that writes are sent to', (flow) => [
    { buckets: flow.watches },
  ]);
  ofLevels('nominal_limit_seats', 'Seats of a level by its share', ({ limits }) => limits.nominal);
  ofLevels('lower_limit_seats', 'Seats that a level always keeps', ({ limits }) => limits.lower);
  ofLevels('upper_limit_seats', 'Seats that a level has at most', ({ limits }) => limits.upper);
  ofLevels('current_limit_seats', 'Seats of a level now', ({ isExempt, limits, queues }) =>
    isExempt ? limits.nominal : queues.limits.seats,
  );
  ofLevels(
    'demand_seats_high_watermark',
    'Most seats wanted at once in the last period',
    ({ demand }) => demand.highWatermark,
  );
  ofLevels(
    'demand_seats_average',
    'Average of the seats wanted in the last period',
    ({ demand }) => demand.average,
  );
  ofLevels(
    'demand_seats_stdev',
    'Standard deviation of the seats wanted in the last period',
    ({ demand }) => demand.deviation,
  );
  ofLevels('demand_seats_smoothed', 'Seats wanted, smoothed over periods', ({ demand }) => demand.smoothed);
  ofLevels('target_seats', 'Seats that a level is to have', ({ target }) => target);
  ofLevels('current_r', 'Virtual time of a level', ({ queues }) => queues.virtualTime / 1000);
  add('gauge', 'seat_fair_frac', 'Part of its target that a level got which met no bound', () => [
    { labels: {}, value: state.fairFraction },
  ]);
}

function histogramValues(name: string, labels: Labels, { bounds, counts, count, sum }: Buckets): Value[] {
  if (count === 0) return [];
  let below = 0;
  const values = bounds.map((bound, index) => {
    below += counts[index] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: String(bound) }, value: below };
  });
  return [
    ...values,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
