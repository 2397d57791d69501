/**
 * Metrics that CloudWatch takes out of the log ("Embedded metric format: Specification"): no call, and nothing to wait
 * for. One document an invocation and set of dimensions.
 */
export interface EmbeddedMetrics {
  count(name: string, value?: number, dimensions?: Record<string, string>): void;
  /** A value whose distribution counts: several of one name become one list. */
  timeMs(name: string, value: number, dimensions?: Record<string, string>): void;
  /** The documents so far, each one line of JSON; begins anew. */
  drain(nowMs: number): string[];
}

interface Series {
  dimensions: Record<string, string>;
  counts: Map<string, number>;
  times: Map<string, number[]>;
}

/** "Up to 100 values" a metric. */
const mostValues = 100;

export function createEmbeddedMetrics(
  namespace: string,
  common: Record<string, string>,
  /** Found in the document, and so in Logs Insights, but no dimensions of the metrics. */
  properties: Record<string, unknown> = {},
): EmbeddedMetrics {
  let all = new Map<string, Series>();

  function series(dimensions: Record<string, string> = {}): Series {
    const id = JSON.stringify(dimensions);
    const found = all.get(id) ?? { dimensions, counts: new Map(), times: new Map() };
    all.set(id, found);
    return found;
  }

  return {
    count(name, value = 1, dimensions) {
      const { counts } = series(dimensions);
      counts.set(name, (counts.get(name) ?? 0) + value);
    },
    timeMs(name, value, dimensions) {
      const { times } = series(dimensions);
      const values = times.get(name) ?? [];
      if (values.length < mostValues) values.push(Math.round(value * 10) / 10);
      times.set(name, values);
    },
    drain(nowMs) {
      const documents = [...all.values()].map(({ dimensions, counts, times }) => {
        const labels = { ...common, ...dimensions };
        const metrics = [
          ...[...counts.keys()].map((name) => ({ Name: name, Unit: 'Count' })),
          ...[...times.keys()].map((name) => ({ Name: name, Unit: 'Milliseconds' })),
        ];
        return JSON.stringify({
          _aws: {
            Timestamp: nowMs,
            CloudWatchMetrics: [
              { Namespace: namespace, Dimensions: [Object.keys(labels)], Metrics: metrics },
            ],
          },
          ...properties,
          ...labels,
          ...Object.fromEntries(counts),
          ...Object.fromEntries(times),
        });
      });
      all = new Map();
      return documents;
    },
  };
}
