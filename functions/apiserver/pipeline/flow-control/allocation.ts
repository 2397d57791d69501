/** How many seats a priority level has: its share of the server's, and what levels lend each other (KEP-1040, KEP-3759). */

/** A level's seats by configuration. */
export interface SeatLimits {
  nominal: number;
  /** What it keeps whatever others want: nominal without the part that it lends. */
  lower: number;
  /** What it has at most: nominal and what it may borrow. */
  upper: number;
}

export interface Shares {
  nominalConcurrencyShares: number;
  lendablePercent: number;
  /** Undefined: no limit. */
  borrowingLimitPercent: number | undefined;
}

/** `serverLimit` seats divided in proportion to the shares, rounded up. */
export function limitsOf(shares: Shares, shareSum: number, serverLimit: number): SeatLimits {
  const nominal = shareSum > 0 ? Math.ceil((serverLimit * shares.nominalConcurrencyShares) / shareSum) : 0;
  const lendable = Math.round((nominal * shares.lendablePercent) / 100);
  const borrowed =
    shares.borrowingLimitPercent === undefined
      ? serverLimit
      : Math.round((nominal * shares.borrowingLimitPercent) / 100);
  return { nominal, lower: nominal - lendable, upper: nominal + borrowed };
}

export interface Claim {
  isExempt: boolean;
  limits: SeatLimits;
  /** The most seats that were wanted at once since the last adjustment. */
  highWatermark: number;
  /** What has been wanted lately, smoothed. */
  smoothed: number;
}

export interface Adjustment {
  /** One a claim, in their order. */
  current: number[];
  targets: number[];
  /** What part of its target each level got that met no bound of its own. */
  fairFraction: number;
}

/** Exempt levels take what they want; the others divide the rest in proportion to what they have wanted lately. */
export function adjustLimits(claims: readonly Claim[]): Adjustment {
  const minimums = claims.map(({ isExempt, limits, highWatermark }) =>
    Math.max(limits.lower, isExempt ? highWatermark : Math.min(limits.nominal, highWatermark)),
  );
  const sumOf = (part: (claim: Claim, index: number) => number) =>
    claims.reduce((sum, claim, index) => sum + part(claim, index), 0);
  const nominalSum = sumOf(({ limits }) => limits.nominal);
  const remaining = nominalSum - sumOf(({ isExempt }, index) => (isExempt ? (minimums[index] ?? 0) : 0));
  const lowerSum = sumOf(({ isExempt, limits }) => (isExempt ? 0 : limits.lower));
  const minimumSum = sumOf(({ isExempt }, index) => (isExempt ? 0 : (minimums[index] ?? 0)));
  const targets = claims.map(({ smoothed }, index) => Math.max(minimums[index] ?? 0, smoothed));
  const finish = (seatsOf: (index: number) => number, fairFraction: number): Adjustment => ({
    current: claims.map(({ isExempt }, index) => (isExempt ? (minimums[index] ?? 0) : seatsOf(index))),
    targets,
    fairFraction,
  });
  const lowerOf = (index: number) => claims[index]?.limits.lower ?? 0;
  if (remaining <= lowerSum) return finish(lowerOf, 0);
  if (remaining <= minimumSum) {
    const part = (remaining - lowerSum) / (minimumSum - lowerSum);
    return finish((index) => {
      const lower = lowerOf(index);
      return lower + Math.round(((minimums[index] ?? 0) - lower) * part);
    }, 0);
  }
  const sharing = claims.flatMap(({ isExempt, limits }, index) =>
    isExempt
      ? []
      : [{ index, target: targets[index] ?? 0, lower: minimums[index] ?? 0, upper: limits.upper }],
  );
  const { seats, fraction } = divide(remaining, sharing);
  const byIndex = new Map(sharing.map(({ index }, at) => [index, Math.round(seats[at] ?? 0)]));
  return finish((index) => byIndex.get(index) ?? 0, fraction);
}

interface Part {
  target: number;
  lower: number;
  upper: number;
}

/** Nothing wants nothing: avoids that an idle level's part of a proportion is 0 / 0. */
const minTarget = 0.001;

/**
 * Parts that add up to `total`, each the same fraction of its target unless a bound of its own holds it back; all
 * lower or all upper bounds where these add up to too much or too little.
 */
export function divide(total: number, parts: readonly Part[]): { seats: number[]; fraction: number } {
  const targetOf = ({ target }: Part) => Math.max(target, minTarget);
  const at = (fraction: number) =>
    parts.map((part) => Math.min(Math.max(fraction * targetOf(part), part.lower), part.upper));
  const sum = (seats: readonly number[]) => seats.reduce((all, one) => all + one, 0);
  // The sum grows with the fraction, in straight lines between the fractions at which a bound begins or ends to hold.
  const bends = parts
    .flatMap((part) => [part.lower / targetOf(part), part.upper / targetOf(part)])
    .sort((a, b) => a - b);
  let before = { fraction: bends[0] ?? 0, sum: sum(parts.map(({ lower }) => lower)) };
  for (const fraction of bends) {
    const here = { fraction, sum: sum(at(fraction)) };
    if (here.sum >= total) {
      const rise = here.sum - before.sum;
      const step = rise > 0 ? Math.max(0, (total - before.sum) / rise) : 0;
      const found = before.fraction + step * (fraction - before.fraction);
      return { seats: at(found), fraction: found };
    }
    before = here;
  }
  return { seats: at(before.fraction), fraction: before.fraction };
}
