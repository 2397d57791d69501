/** One figure of a benchmark. `target` and `peer` are in the same unit; `ratio` is ours to the peer's, greater is better. */
export interface BenchResult {
  name: string;
  value: number;
  unit: string;
  /** As the design states it, `< 3` or `>= 1000`. */
  target?: number | string;
  peer?: { name: string; value: number };
  ratio?: number;
}
