const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** A `metav1.Duration` as it is written in YAML and JSON (`90s`, `1m30s`, `0`), in ms; NaN for what is none. */
export function durationMs(text: string): number {
  const [, sign = '', rest = ''] = /^([+-]?)(.+)$/.exec(text) ?? [];
  if (rest === '0') return 0;
  if (!/^((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(rest)) return Number.NaN;
  let sum = 0;
  for (const [, amount = '', unit = ''] of rest.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
    sum += Number(amount) * (units[unit] ?? 0);
  }
  return sign === '-' ? -sum : sum;
}
