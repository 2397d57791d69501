import { binarySuffixes, decimalSuffixes } from './parse.ts';
import type { Quantity } from './quantity.ts';

const decimalSuffixOf = new Map(
  Object.entries(decimalSuffixes).map(([suffix, exponent]) => [exponent, suffix]),
);
const binarySuffixOf = new Map(
  Object.entries(binarySuffixes).map(([suffix, exponent]) => [exponent, suffix]),
);

/**
 * The canonical form: no precision lost, no fraction, the suffix as large as possible. Binary quantities that are
 * below 1024 or not whole are written as decimal ones.
 */
export function formatQuantity(quantity: Quantity): string {
  if (quantity.text !== undefined) return quantity.text;
  if (quantity.unscaled === 0n) return '0';
  const { unscaled: amount, scale: exponent } = withoutTrailingZeros(quantity);
  if (quantity.format === 'BinarySI' && exponent >= 0 && exponent < 20) {
    const whole = amount * 10n ** BigInt(exponent);
    if (whole >= 1024n || whole <= -1024n) return formatBinary(whole);
  }
  return formatDecimal(amount, exponent, quantity.format === 'DecimalExponent');
}

function formatBinary(whole: bigint): string {
  let amount = whole;
  let exponent = 0;
  while (amount % 1024n === 0n && exponent < 60) {
    amount /= 1024n;
    exponent += 10;
  }
  return `${amount}${binarySuffixOf.get(exponent) ?? ''}`;
}

function formatDecimal(amount: bigint, exponent: number, exponential: boolean): string {
  let power = Math.floor(exponent / 3) * 3;
  if (!exponential) power = Math.min(power, 18);
  const digits = `${amount}${'0'.repeat(exponent - power)}`;
  if (exponential) return power === 0 ? digits : `${digits}e${power}`;
  return `${digits}${decimalSuffixOf.get(power) ?? `e${power}`}`;
}

function withoutTrailingZeros({ unscaled, scale }: Quantity): { unscaled: bigint; scale: number } {
  const digits = String(unscaled);
  const kept = digits.replace(/0+$/, '');
  return { unscaled: BigInt(kept), scale: scale + digits.length - kept.length };
}
