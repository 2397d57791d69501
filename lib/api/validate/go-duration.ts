/** Durations as Go writes and reads them (`time.ParseDuration`): `90s`, `1m30s`, `-1.5h`, `0`. */

/** The units in ms. */
const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

// Nothing can be read in two ways, so that no text takes longer than its length.
const part = String.raw`(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)`;
const whole = new RegExp(`^[-+]?(?:0|(?:${part})+)$`);
const parts = new RegExp(part, 'g');
/** They are counted in nanoseconds, in 64 bits. */
const maxMs = 2 ** 63 / 1e6;

/** In ms; NaN for what is none. */
export function durationMs(text: string): number {
  if (!whole.test(text)) return Number.NaN;
  let sum = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(parts)) sum += Number(amount) * (units[unit] ?? 0);
  if (sum >= maxMs) return Number.NaN;
  return text.startsWith('-') ? -sum : sum;
}
