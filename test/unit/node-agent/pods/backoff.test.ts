import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../../lib/clock.ts';
import { createBackoff, goDuration } from '../../../../node-agent/pods/backoff.ts';

function steppedClock(): Clock & { step(ms: number): void } {
  let now = 1_000_000;
  return {
    now: () => now,
    step: (ms) => {
      now += ms;
    },
    sleep: () => Promise.reject(new Error('nobody sleeps here')),
  };
}

describe('backoff', () => {
  it('doubles from 10 s to 5 minutes', () => {
    const clock = steppedClock();
    const backoff = createBackoff(clock);
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      backoff.next('c', clock.now());
      waits.push(backoff.remainingMs('c', clock.now()));
      clock.step(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  });

  it('begins anew after ten quiet minutes', () => {
    const clock = steppedClock();
    const backoff = createBackoff(clock);
    backoff.next('c', clock.now());
    backoff.next('c', clock.now());
    clock.step(600_001);
    expect(backoff.remainingMs('c', clock.now())).toBe(0);
    backoff.next('c', clock.now());
    expect(backoff.get('c')).toBe(10_000);
  });

  it('keeps keys apart and forgets those that expired', () => {
    const clock = steppedClock();
    const backoff = createBackoff(clock);
    backoff.next('a', clock.now());
    expect(backoff.remainingMs('b', clock.now())).toBe(0);
    clock.step(600_001);
    backoff.collect();
    expect(backoff.get('a')).toBe(0);
  });

  it.each([
    [0, '0s'],
    [393, '393ms'],
    [1_500, '1.5s'],
    [10_000, '10s'],
    [160_000, '2m40s'],
    [300_000, '5m0s'],
    [3_600_000, '1h0m0s'],
  ])('writes %i ms as %s', (ms, text) => {
    expect(goDuration(ms)).toBe(text);
  });
});
