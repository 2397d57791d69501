/**
 * What AWS charges in us-east-1, in US dollars, as its price pages had it in November 2025; arm64, on demand, first tier. What
 * every account has for nothing for ever ("Always Free") is taken off only where that is said.
 */
export const prices = {
  lambdaRequest: 0.2e-6,
  lambdaGigabyteSecond: 0.0000133334,
  readUnit: 0.125e-6,
  writeUnit: 0.625e-6,
  sqsStandardRequest: 0.4e-6,
  sqsFifoRequest: 0.5e-6,
  apiRequest: 3.5e-6,
  /** A month; ten are always free. */
  alarm: 0.1,
  /** A customer managed key, a month; none is free. */
  kmsKey: 1,
} as const;

/** EKS, "Amazon EKS pricing": a cluster's control plane under standard support, an hour. */
export const eksHour = 0.1;

/** Hours of a month, as AWS counts them. */
export const monthHours = 730;

/**
 * Lambda asks each queue that it is driven by, whether or not there is anything: five requests of 20 seconds at once ("Estimating
 * cost for Amazon SQS message processing using AWS Lambda").
 */
export const idlePollsAnHour = 5 * 3 * 60;

/** What one thing that happens costs in services. */
export interface Usage {
  invocations: number;
  gigabyteSeconds: number;
  readUnits: number;
  writeUnits: number;
  fifoRequests: number;
  standardRequests: number;
  apiRequests: number;
}

export const nothing: Usage = {
  invocations: 0,
  gigabyteSeconds: 0,
  readUnits: 0,
  writeUnits: 0,
  fifoRequests: 0,
  standardRequests: 0,
  apiRequests: 0,
};

/** `times` may be a fraction: one of several that were measured together. */
export function scaled(usage: Usage, times: number): Usage {
  return Object.fromEntries(
    Object.entries(usage).map(([name, value]) => [name, value * times]),
  ) as unknown as Usage;
}

export function sum(...usages: readonly Usage[]): Usage {
  return usages.reduce(
    (total, one) =>
      Object.fromEntries(
        Object.entries(total).map(([name, value]) => [name, value + one[name as keyof Usage]]),
      ) as unknown as Usage,
    nothing,
  );
}

export function priceOf(usage: Usage): number {
  return (
    usage.invocations * prices.lambdaRequest +
    usage.gigabyteSeconds * prices.lambdaGigabyteSecond +
    usage.readUnits * prices.readUnit +
    usage.writeUnits * prices.writeUnit +
    usage.fifoRequests * prices.sqsFifoRequest +
    usage.standardRequests * prices.sqsStandardRequest +
    usage.apiRequests * prices.apiRequest
  );
}

/** "Always Free", a month: what is left to pay of a month's usage. */
export function afterFreeTier(usage: Usage): Usage {
  const rest = (used: number, free: number) => Math.max(0, used - free);
  const freeSqs = 1_000_000;
  return {
    ...usage,
    invocations: rest(usage.invocations, 1_000_000),
    gigabyteSeconds: rest(usage.gigabyteSeconds, 400_000),
    // The million is of all requests: the cheaper ones first, so that nothing is called cheaper than it is.
    standardRequests: rest(usage.standardRequests, freeSqs),
    fifoRequests: rest(usage.fifoRequests, rest(freeSqs, usage.standardRequests)),
  };
}
