/**
 * Metrics that CloudWatch takes out of the log ("Embedded metric format: Specification"): no call, and nothing to wait
 * for. One document an invocation.
 *
 * Every metric and combination of dimensions is paid for in each hour in which it has a value, which adds up to more than
 * an idle cluster costs. So only what an alarm or a chart reads is one; all else are fields of the document, which Logs
 * Insights counts just as well.
 */
export interface EmbeddedMetrics {
  /** With a label the field holds a count for each: `{"Reconcile.done":{"deployment":2}}`. */
  count(name: string, value?: number, label?: Record<string, string>): void;
  /** A value whose distribution counts: several of one name become one list. */
  timeMs(name: string, value: number): void;
  /** The document so far, one line of JSON; none where nothing was counted. Begins anew. */
  drain(nowMs: number): string[];
}

/** Which counts are metrics: the name of the count, and that of the metric. */
export type ChargedMetrics = Readonly<Record<string, string>>;

/** "Up to 100 values" a metric. */
const mostValues = 100;

export function createEmbeddedMetrics(
  namespace: string,
  dimensions: Record<string, string>,
  /** Found in the document, and so in Logs Insights, but no dimensions of the metrics. */
  properties: Record<string, unknown> = {},
  charged: ChargedMetrics = {},
): EmbeddedMetrics {
  let fields = new Map<string, number | number[] | Record<string, number>>();
  let metrics = new Map<string, number>();

  return {
    count(name, value = 1, label) {
      const metric = charged[name];
      if (metric && value > 0) metrics.set(metric, (metrics.get(metric) ?? 0) + value);
      const found = fields.get(name);
      if (!label) {
        fields.set(name, (typeof found === 'number' ? found : 0) + value);
        return;
      }
      const counts = typeof found === 'object' && !Array.isArray(found) ? found : {};
      const key = Object.values(label).join('/');
      counts[key] = (counts[key] ?? 0) + value;
      fields.set(name, counts);
    },
    timeMs(name, value) {
      const found = fields.get(name);
      const values = Array.isArray(found) ? found : [];
      if (values.length < mostValues) values.push(Math.round(value * 10) / 10);
      fields.set(name, values);
    },
    drain(nowMs) {
      if (fields.size === 0) return [];
      const directive = {
        Namespace: namespace,
        Dimensions: [Object.keys(dimensions)],
        Metrics: [...metrics.keys()].map((name) => ({ Name: name, Unit: 'Count' })),
      };
      const document = JSON.stringify({
        ...(metrics.size > 0 && { _aws: { Timestamp: nowMs, CloudWatchMetrics: [directive] } }),
        time: nowMs,
        ...properties,
        ...dimensions,
        ...Object.fromEntries(fields),
        ...Object.fromEntries(metrics),
      });
      fields = new Map();
      metrics = new Map();
      return [document];
    },
  };
}
