import { describe, expect, it } from 'vitest';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  maxInt64,
  milliQuantityOf,
  parseQuantity,
  quantityMilliValue,
  quantityOf,
  quantityValue,
  roundUpQuantity,
  scaledValue,
  subtractQuantities,
} from '../../../../lib/api/quantity/index.ts';
import fc from '../../../support/property.ts';

describe('a quantity', () => {
  it('is parsed once for as long as it is among a thousand', () => {
    const first = parseQuantity('317Mi');
    expect(parseQuantity('317Mi')).toBe(first);
    for (let index = 0; index < 3000; index++) expect(quantityValue(parseQuantity(`${index}`))).toBe(index);
    expect(parseQuantity('317Mi')).not.toBe(first);
    expect(parseQuantity('317Mi')).toEqual(first);
    for (const _ of [1, 2]) expect(() => parseQuantity('317MiB')).toThrow();
  });

  it.each([
    ['0', '0'],
    ['0.0', '0'],
    ['0Mi', '0'],
    ['100m', '100m'],
    ['1000m', '1'],
    ['1.5', '1500m'],
    ['0.5', '500m'],
    ['1.500', '1.500'],
    ['0100m', '0100m'],
    ['1000', '1k'],
    ['1024', '1024'],
    ['1024Ki', '1Mi'],
    ['1.5Gi', '1536Mi'],
    ['1025Ki', '1025Ki'],
    ['0.5Mi', '512Ki'],
    ['0.1Ki', '102400m'],
    ['512', '512'],
    ['8Ei', '9223372036854775807'],
    ['-8Ei', '-9223372036854775807'],
    ['12e6', '12e6'],
    ['12E6', '12E6'],
    ['1000e3', '1e6'],
    ['1e1000000', '10e999999'],
    ['1E', '1E'],
    ['5000E', '5000E'],
    ['0.0000000001', '1n'],
    ['1.0000000001', '1000000001n'],
    ['-0.0000000001', '-1n'],
    ['.5', '500m'],
    ['5.', '5.'],
    ['+1', '+1'],
    ['-1500m', '-1500m'],
    ['1000000000000000000000', '1000E'],
    [' 1Gi ', '1Gi'],
  ])('%s is written %s', (text, canonical) => {
    expect(formatQuantity(parseQuantity(text))).toBe(canonical);
  });

  it('is read from a JSON number', () => {
    expect(formatQuantity(parseQuantity(0.1))).toBe('100m');
    expect(formatQuantity(parseQuantity(1e21))).toBe('1e21');
  });

  it.each(['', '1.1.M', '1+1.0M', '0.1am', 'aoeu', '1 Gi', '1Gi2.5', '0x10', '1e1.5'])(
    '%j has no form of a quantity',
    (text) => {
      expect(() => parseQuantity(text)).toThrow(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      );
    },
  );

  it.each(['0.1mi', '.5i', '1i', '-3.01i', '-3.01e-', '1K', '1e99999999999', '1Mm', '--1'])(
    '%j has no suffix of a quantity',
    (text) => {
      expect(() => parseQuantity(text)).toThrow("unable to parse quantity's suffix");
    },
  );

  it('rounds up, away from zero', () => {
    expect(quantityMilliValue(parseQuantity('0.1m'))).toBe(1);
    expect(quantityMilliValue(parseQuantity('-0.1m'))).toBe(-1);
    expect(quantityValue(parseQuantity('1m'))).toBe(1);
    expect(quantityValue(parseQuantity('1.1'))).toBe(2);
    expect(quantityValue(parseQuantity('1Gi'))).toBe(2 ** 30);
    expect(scaledValue(parseQuantity('15'), 1)).toBe(2n);
    expect(scaledValue(parseQuantity('1e1000000000'), 0)).toBe(maxInt64);
    expect(formatQuantity(roundUpQuantity(parseQuantity('1.23456'), -3))).toBe('1235m');
  });

  it('keeps the format of the first that is not zero', () => {
    expect(formatQuantity(addQuantities(quantityOf(0), parseQuantity('1Gi')))).toBe('1Gi');
    expect(formatQuantity(addQuantities(parseQuantity('1Gi'), parseQuantity('1k')))).toBe('1073742824');
    expect(formatQuantity(subtractQuantities(parseQuantity('2Gi'), parseQuantity('1Gi')))).toBe('1Gi');
    expect(formatQuantity(milliQuantityOf(2500))).toBe('2500m');
  });

  it('compares across formats and sizes without growing', () => {
    expect(compareQuantities(parseQuantity('1Ki'), parseQuantity('1024'))).toBe(0);
    expect(compareQuantities(parseQuantity('1e1000000000'), parseQuantity('1'))).toBeGreaterThan(0);
    expect(compareQuantities(parseQuantity('-1e1000000000'), parseQuantity('1'))).toBeLessThan(0);
    expect(formatQuantity(addQuantities(parseQuantity('1'), parseQuantity('1e900000000')))).toBe(
      '1e900000000',
    );
  });

  const texts = fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.nat({ max: 99_999_999 }),
      fc.option(fc.nat({ max: 99_999 }), { nil: undefined }),
      fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'e3', 'e-2', 'E5'),
    )
    .map(
      ([sign, whole, fraction, suffix]) =>
        `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${suffix}`,
    );

  it('keeps its value through its canonical form', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const quantity = parseQuantity(text);
        const again = parseQuantity(formatQuantity({ ...quantity, text: undefined }));
        expect(compareQuantities(quantity, again)).toBe(0);
        expect(formatQuantity(again)).toBe(formatQuantity({ ...quantity, text: undefined }));
      }),
    );
  });

  it('adds and subtracts exactly, and orders like numbers', () => {
    fc.assert(
      fc.property(texts, texts, (left, right) => {
        const [a, b] = [parseQuantity(left), parseQuantity(right)];
        expect(compareQuantities(subtractQuantities(addQuantities(a, b), b), a)).toBe(0);
        expect(compareQuantities(addQuantities(a, b), addQuantities(b, a))).toBe(0);
        expect(Math.sign(compareQuantities(a, b))).toBe(-Math.sign(compareQuantities(b, a)) + 0);
      }),
    );
  });

  it('never fails in any other way than BadRequest', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[+-]?[0-9.]*[eEinumkKMGTP]*[+-]?[0-9]*$/), (text) => {
        try {
          formatQuantity(parseQuantity(text));
        } catch (error) {
          expect(error).toMatchObject({ name: 'KumulusError', kind: 'BadRequest' });
        }
      }),
    );
  });
});
