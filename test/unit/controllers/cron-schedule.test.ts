import { describe, expect, test } from 'vitest';
import { missedTimes, parseSchedule } from '../../../functions/controllers/cronjob/schedule.ts';
import fc from '../../support/property.ts';

const at = (text: string) => Date.parse(text);
const next = (schedule: string, after: string, zone?: string) => {
  const ms = parseSchedule(schedule, zone).next(at(after));
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

test.each([
  ['*/15 * * * *', '2026-01-01T00:00:00Z', undefined, '2026-01-01T00:15:00.000Z'],
  ['5/15 * * * *', '2026-01-01T00:06:00Z', undefined, '2026-01-01T00:20:00.000Z'],
  ['0 9 * * mon-fri', '2026-01-02T10:00:00Z', undefined, '2026-01-05T09:00:00.000Z'],
  ['0 0 ? * ?', '2026-01-02T10:30:00Z', undefined, '2026-01-03T00:00:00.000Z'],
  // A day of the month or a day of the week, where both are named.
  ['0 0 13 * 5', '2026-01-10T00:00:00Z', undefined, '2026-01-13T00:00:00.000Z'],
  ['@hourly', '2026-01-01T00:00:01Z', undefined, '2026-01-01T01:00:00.000Z'],
  ['@every 90m', '2026-01-01T00:00:00.500Z', undefined, '2026-01-01T01:30:00.000Z'],
  ['0 9 * * *', '2026-07-01T00:00:00Z', 'Europe/Berlin', '2026-07-01T07:00:00.000Z'],
  ['0 9 * * *', '2026-12-01T00:00:00Z', 'Europe/Berlin', '2026-12-01T08:00:00.000Z'],
  ['TZ=Asia/Tokyo 0 9 * * *', '2026-12-01T01:00:00Z', undefined, '2026-12-02T00:00:00.000Z'],
  ['0 0 31 2 *', '2026-01-01T00:00:00Z', undefined, undefined],
])('%s after %s in %s is %s', (schedule, after, zone, expected) => {
  expect(next(schedule, after, zone)).toBe(expected);
});

describe('times that were missed', () => {
  const hourly = parseSchedule('0 * * * *', undefined);

  test.each([
    ['2026-01-01T00:30:00Z', '2026-01-01T00:59:59Z', undefined, 'none'],
    ['2026-01-01T00:30:00Z', '2026-01-01T01:00:00Z', '2026-01-01T01:00:00Z', 'few'],
    ['2026-01-01T00:30:00Z', '2026-01-01T05:30:00Z', '2026-01-01T05:00:00Z', 'few'],
    ['2026-01-01T00:30:00Z', '2026-01-08T05:30:00Z', '2026-01-08T05:00:00Z', 'many'],
  ])('from %s to %s', (from, to, latest, count) => {
    const missed = missedTimes(hourly, at(from), at(to));
    expect(missed).toEqual({ latestMs: latest && at(latest), count });
  });

  test('the newest is the newest, whatever the schedule and however long the gap', () => {
    const field = fc.constantFrom('*', '*/7', '3', '5,35', '10-20/3');
    fc.assert(
      fc.property(
        field,
        fc.constantFrom('*', '*/5', '3', '22-23'),
        fc.nat(3 * 24 * 60),
        fc.integer({ min: 1, max: 3 * 24 * 60 }),
        (minute, hour, startMinutes, gapMinutes) => {
          const schedule = parseSchedule(`${minute} ${hour} * * *`, undefined);
          const from = at('2026-03-01T00:00:00Z') + startMinutes * 60_000;
          const now = from + gapMinutes * 60_000;
          let literal: number | undefined;
          for (let ms = schedule.next(from); ms !== undefined && ms <= now; ms = schedule.next(ms))
            literal = ms;
          expect(missedTimes(schedule, from, now).latestMs).toBe(literal);
        },
      ),
      { numRuns: 200 },
    );
  });
});
