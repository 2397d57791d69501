/**
 * Counters and histograms of what happens with every request: a set of labels is looked up by one string, so that
 * counting costs next to nothing beside the request. Written out in Prometheus' text format.
 */

export interface Family {
  name: string;
  help: string;
  labelNames: readonly string[];
}

interface Counted {
  labels: string;
  value: number;
}

export class CounterFamily {
  readonly #family: Family;
  readonly #series = new Map<string, Counted>();

  constructor(family: Family) {
    this.#family = family;
  }

  /** `values` are those of the label names, in their order. */
  inc(...values: readonly string[]): void {
    const key = values.join('\0');
    let series = this.#series.get(key);
    if (!series) {
      series = { labels: labelText(this.#family.labelNames, values), value: 0 };
      this.#series.set(key, series);
    }
    series.value++;
  }

  text(): string {
    const { name } = this.#family;
    return (
      head(this.#family, 'counter') +
      lines(this.#series, ({ labels, value }) => `${name}{${labels}} ${value}\n`)
    );
  }
}

interface Observed {
  labels: string;
  sum: number;
  count: number;
  /** How many fell into each bucket, without those of the buckets before. */
  perBucket: Uint32Array;
}

export class HistogramFamily {
  readonly #family: Family;
  readonly #buckets: readonly number[];
  readonly #series = new Map<string, Observed>();

  /** @param buckets Upper bounds, rising, without infinity. */
  constructor(family: Family, buckets: readonly number[]) {
    this.#family = family;
    this.#buckets = buckets;
  }

  observe(value: number, ...values: readonly string[]): void {
    const key = values.join('\0');
    let series = this.#series.get(key);
    if (!series) {
      const labels = labelText(this.#family.labelNames, values);
      series = { labels, sum: 0, count: 0, perBucket: new Uint32Array(this.#buckets.length) };
      this.#series.set(key, series);
    }
    series.sum += value;
    series.count++;
    const index = this.#buckets.findIndex((bound) => value <= bound);
    if (index >= 0) series.perBucket[index] = (series.perBucket[index] ?? 0) + 1;
  }

  text(): string {
    const { name } = this.#family;
    return (
      head(this.#family, 'histogram') +
      lines(this.#series, ({ labels, sum, count, perBucket }) => {
        let total = 0;
        const buckets = this.#buckets.map((bound, index) => {
          total += perBucket[index] ?? 0;
          return `${name}_bucket{${labels},le="${bound}"} ${total}\n`;
        });
        return `${buckets.join('')}${name}_bucket{${labels},le="+Inf"} ${count}\n${name}_sum{${labels}} ${sum}\n${name}_count{${labels}} ${count}\n`;
      })
    );
  }
}

function head({ name, help }: Family, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function lines<T>(series: ReadonlyMap<string, T>, write: (one: T) => string): string {
  return [...series.values()].map(write).join('');
}

function labelText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `${name}="${escape(values[index] ?? '')}"`).join(',');
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
