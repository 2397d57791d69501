import type { IntOrString } from '../../../lib/api/gen/types.ts';

/** A number as it is, or a percentage of `total`, rounded up or down. The API server lets no other text through. */
export function scaledValue(value: IntOrString, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined)
    throw new TypeError(
      `Invalid value: "${value}": a valid percent string must be a numeric value followed by an ending '%'`,
    );
  // Whole numbers until the division, so that 100 % is exactly everything.
  const scaled = (Number(percent) * total) / 100;
  return roundUp ? Math.ceil(scaled) : Math.floor(scaled);
}
