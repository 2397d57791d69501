/** What is counted of each priority level and flow schema: plain numbers, so that counting costs a request next to nothing. */

export const durationBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
export const queueLengthBuckets = [0, 10, 25, 50, 100, 250, 500, 1000];
export const seatBuckets = [1, 2, 4, 8, 16, 32, 64, 100];
export const watchBuckets = [0, 1, 10, 100, 1000, 10_000];

export class Buckets {
  readonly bounds: readonly number[];
  /** One a bound, not cumulative; what is above the last bound is only in `count`. */
  readonly counts: number[];
  count = 0;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.count++;
    this.sum += value;
    for (let index = 0; index < this.bounds.length; index++) {
      if (value <= (this.bounds[index] as number)) {
        this.counts[index] = (this.counts[index] as number) + 1;
        return;
      }
    }
  }
}

/** Of one flow schema within one priority level. */
export class FlowStats {
  readonly level: string;
  readonly schema: string;
  dispatched = 0;
  readonly rejected = { 'concurrency-limit': 0, 'queue-full': 0, 'time-out': 0 };
  waiting = 0;
  seatsWaiting = 0;
  executing = 0;
  seatsExecuting = 0;
  stalls = 0;
  readonly queueLength = new Buckets(queueLengthBuckets);
  readonly seats = new Buckets(seatBuckets);
  readonly watches = new Buckets(watchBuckets);
  readonly waited = new Buckets(durationBuckets);
  readonly waitedInVain = new Buckets(durationBuckets);
  readonly executed = new Buckets(durationBuckets);
  readonly watchInitialized = new Buckets(durationBuckets);

  constructor(level: string, schema: string) {
    this.level = level;
    this.schema = schema;
  }
}
