import { expect, it } from 'vitest';
import {
  adjustLimits,
  divide,
  limitsOf,
} from '../../../../functions/apiserver/pipeline/flow-control/allocation.ts';
import fc from '../../../support/property.ts';

const part = fc
  .record({ lower: fc.nat(50), more: fc.nat(100), target: fc.nat(200) })
  .map(({ lower, more, target }) => ({ lower, upper: lower + more, target: Math.max(target, lower) }));

it('divides everything there is, within bounds, and treats all alike that no bound holds back', () => {
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 8 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (parts, where) => {
        const low = parts.reduce((sum, one) => sum + one.lower, 0);
        const high = parts.reduce((sum, one) => sum + one.upper, 0);
        const total = low + (high - low) * where;
        const { seats, fraction } = divide(total, parts);
        expect(seats.reduce((sum, one) => sum + one, 0)).toBeCloseTo(total, 3);
        for (const [index, one] of parts.entries()) {
          const got = seats[index] ?? Number.NaN;
          expect(got).toBeGreaterThanOrEqual(one.lower - 1e-6);
          expect(got).toBeLessThanOrEqual(one.upper + 1e-6);
          const fair = fraction * Math.max(one.target, 0.001);
          if (got > one.lower + 1e-6 && got < one.upper - 1e-6) expect(got).toBeCloseTo(fair, 4);
        }
      },
    ),
    { numRuns: 500 },
  );
});

it('turns shares into seats, and what is lent and borrowed into bounds', () => {
  const shares = { nominalConcurrencyShares: 40, lendablePercent: 50, borrowingLimitPercent: undefined };
  expect(limitsOf(shares, 245, 600)).toEqual({ nominal: 98, lower: 49, upper: 698 });
  expect(limitsOf({ ...shares, borrowingLimitPercent: 25 }, 245, 600)).toEqual({
    nominal: 98,
    lower: 49,
    upper: 123,
  });
});

it('lends the seats of idle levels to a busy one, and never takes what a level keeps', () => {
  const idle = {
    isExempt: false,
    limits: { nominal: 100, lower: 40, upper: 700 },
    highWatermark: 0,
    smoothed: 0,
  };
  const busy = {
    isExempt: false,
    limits: { nominal: 100, lower: 100, upper: 700 },
    highWatermark: 250,
    smoothed: 240,
  };
  const { current } = adjustLimits([idle, idle, busy]);
  expect(current[2]).toBe(220);
  expect(current.slice(0, 2)).toEqual([40, 40]);
});

it('lets exempt levels have what they want, and divides the rest down to what each keeps', () => {
  const exempt = {
    isExempt: true,
    limits: { nominal: 0, lower: 0, upper: 600 },
    highWatermark: 150,
    smoothed: 150,
  };
  const level = {
    isExempt: false,
    limits: { nominal: 100, lower: 20, upper: 700 },
    highWatermark: 100,
    smoothed: 100,
  };
  expect(adjustLimits([exempt, level, level]).current).toEqual([150, 25, 25]);
  expect(adjustLimits([{ ...exempt, highWatermark: 500 }, level, level]).current).toEqual([500, 20, 20]);
});
