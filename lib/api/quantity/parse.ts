import { KumulusError } from '../../errors.ts';
import {
  compareQuantities,
  maxInt64,
  type Quantity,
  type QuantityFormat,
  quantityOf,
  roundUpQuantity,
} from './quantity.ts';

const formatRule =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const numberRule = 'unable to parse numeric part of quantity';
const suffixRule = "unable to parse quantity's suffix";

export const decimalSuffixes: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
export const binarySuffixes: Readonly<Record<string, number>> = {
  Ki: 10,
  Mi: 20,
  Gi: 30,
  Ti: 40,
  Pi: 50,
  Ei: 60,
};

/** No part can be read as another's, so that no text takes longer than its length. */
const form = /^([+-]?)([0-9]*)(?:\.([0-9]*))?((?:[eEinumkKMGTP]+[-+]?|[-+])[0-9]*|)$/;
/** What is stored is read for ever after, by everybody: numbers of a million digits are no amounts of anything. */
const maxLength = 1_000;

/**
 * Reads a quantity as the API does: a string, or a JSON number. What is finer than a billionth is rounded up to one;
 * binary quantities are held within 64 bits.
 * @throws KumulusError BadRequest in the API's own words.
 */
export function parseQuantity(input: string | number): Quantity {
  if (typeof input !== 'string' || input.length > maxRememberedLength) return parse(input);
  let quantity = remembered.get(input);
  if (!quantity) {
    quantity = parse(input);
    // A client that sends many different ones must not fill the memory.
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(input, quantity);
  }
  return quantity;
}

/** The same few quantities come again and again, each many times for one object. */
const remembered = new Map<string, Quantity>();
const maxRemembered = 1000;
const maxRememberedLength = 32;

function parse(input: string | number): Quantity {
  const text = typeof input === 'number' ? String(input).replace('e+', 'e') : input.trim();
  const match = form.exec(text);
  if (!match || text === '') throw new KumulusError('BadRequest', formatRule);
  const [, signText, written = '', fraction = '', suffixText = ''] = match;
  if (text.length > maxLength) throw new KumulusError('BadRequest', numberRule);
  const whole = written.replace(/^0+/, '');
  const number = whole || '0';
  const suffix = readSuffix(suffixText);
  const digits = number + fraction;
  const factor = suffix.format === 'BinarySI' ? 2n ** BigInt(suffix.exponent) : 1n;
  const scale = (suffix.format === 'BinarySI' ? 0 : suffix.exponent) - fraction.length;
  const magnitude = BigInt(digits) * factor;
  const unscaled = signText === '-' ? -magnitude : magnitude;
  const { format } = suffix;

  if (isSmall(number, fraction, suffix) && scale >= -9 && magnitude <= maxInt64) {
    return keepsItsText(digits, scale, suffix)
      ? { unscaled, scale, format, text }
      : { unscaled, scale, format };
  }
  if (!whole && fraction === '' && !/^[+-]?0/.test(text)) throw new KumulusError('BadRequest', numberRule);
  return withinLimits({ unscaled, scale, format });
}

interface Suffix {
  exponent: number;
  format: QuantityFormat;
}

function readSuffix(text: string): Suffix {
  const decimal = Object.hasOwn(decimalSuffixes, text) ? decimalSuffixes[text] : undefined;
  if (decimal !== undefined) return { exponent: decimal, format: 'DecimalSI' };
  const binary = Object.hasOwn(binarySuffixes, text) ? binarySuffixes[text] : undefined;
  if (binary !== undefined) return { exponent: binary, format: 'BinarySI' };
  const exponent = /^[eE]([+-]?[0-9]+)$/.exec(text)?.[1];
  const value = exponent === undefined ? undefined : Number(exponent);
  // An exponent is 32 bits wide.
  if (value === undefined || Math.abs(value) > 2 ** 31 - 1) throw new KumulusError('BadRequest', suffixRule);
  return { exponent: value, format: 'DecimalExponent' };
}

/** Whether the number is sure to fit 64 bits by the count of its digits: those are neither rounded nor rewritten. */
function isSmall(number: string, fraction: string, { format, exponent }: Suffix): boolean {
  if (format !== 'BinarySI') return number.length + fraction.length <= 18;
  return fraction === '' && 14 - number.length - Math.trunc((exponent * 3) / 10) >= 0;
}

/** What looks canonical is written on as it came, even `1.500` or `0100m`: clients see the text that they sent. */
function keepsItsText(digits: string, scale: number, { format }: Suffix): boolean {
  if (format === 'BinarySI') return BigInt(digits) % 8n !== 0n;
  return scale % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0');
}

function withinLimits(quantity: Quantity): Quantity {
  const rounded = roundUpQuantity(quantity, -9);
  if (rounded.format !== 'BinarySI') return rounded;
  const limit = quantityOf(maxInt64);
  if (compareQuantities(rounded, limit) > 0) return { ...limit, format: 'BinarySI' };
  if (compareQuantities(rounded, { ...limit, unscaled: -maxInt64 }) < 0) {
    return { unscaled: -maxInt64, scale: 0, format: 'BinarySI' };
  }
  const one = quantityOf(1n);
  const isFraction = rounded.unscaled !== 0n && compareQuantities(absolute(rounded), one) < 0;
  return isFraction ? { ...rounded, format: 'DecimalSI' } : rounded;
}

function absolute(quantity: Quantity): Quantity {
  return { ...quantity, unscaled: quantity.unscaled < 0n ? -quantity.unscaled : quantity.unscaled };
}
