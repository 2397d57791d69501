import { describe, expect, it } from 'vitest';
import { durationMs } from '../../../../lib/api/validate/go-duration.ts';
import fc from '../../../support/property.ts';

describe('durations', () => {
  it.each([
    ['0', 0],
    ['-0', -0],
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1_000],
    ['-2us', -0.002],
    ['+3µs', 0.003],
    ['3μs', 0.003],
    ['2540400h', 2_540_400 * 3_600_000],
  ])('%s', (text, ms) => {
    expect(durationMs(text)).toBeCloseTo(ms, 6);
  });

  it.each(['', '1', 's', '.s', '1.2.3s', '1s ', '1d', '--1s', '9999999h'])('%s is none', (text) => {
    expect(durationMs(text)).toBeNaN();
  });

  it('are the sum of their parts', () => {
    const part = fc.tuple(fc.integer({ min: 0, max: 999 }), fc.constantFrom('ms', 's', 'm', 'h'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 20 }), (parts) => {
        const texts = parts.map(([amount, unit]) => `${amount}${unit}`);
        const sum = texts.reduce((total, text) => total + durationMs(text), 0);
        expect(durationMs(texts.join(''))).toBe(sum);
      }),
    );
  });

  it.each(['0', '1.s000', '1s', '.1', 's', 'm'])(
    'many of %s take a time that grows with the text',
    (text) => {
      expect(durationMs(`${text.repeat(100_000)}x`)).toBeNaN();
    },
  );
});
