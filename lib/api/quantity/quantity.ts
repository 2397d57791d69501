/** How a quantity is written: `12e6`, `12Mi`, `12M`. It keeps the family of the suffix it was read with. */
export type QuantityFormat = 'DecimalExponent' | 'BinarySI' | 'DecimalSI';

/** An exact fixed-point number (`resource.Quantity` of the API reference): `unscaled * 10^scale`. Immutable. */
export interface Quantity {
  readonly unscaled: bigint;
  readonly scale: number;
  readonly format: QuantityFormat;
  /** What it was read from, where that is written on unchanged. */
  readonly text?: string;
}

/** The largest magnitude that the API lets anybody ask for as a whole number: 2^63 - 1. */
export const maxInt64 = 2n ** 63n - 1n;

export const zero: Quantity = { unscaled: 0n, scale: 0, format: 'DecimalSI' };

export function quantityOf(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { unscaled: BigInt(value), scale: 0, format };
}

export function milliQuantityOf(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { unscaled: BigInt(value), scale: -3, format };
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  const signs = sign(a) - sign(b);
  if (signs !== 0 || a.unscaled === 0n) return signs;
  // Orders of magnitude first: `1e1000000` must not become a number of a million digits.
  const magnitudes = magnitude(a) - magnitude(b);
  if (magnitudes !== 0) return magnitudes * sign(a);
  const scale = Math.min(a.scale, b.scale);
  const difference = unscaledAt(a, scale) - unscaledAt(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The sum; it has the format of `a` unless that is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  const format = a.unscaled === 0n ? b.format : a.format;
  if (b.unscaled === 0n) return { ...a, format };
  if (a.unscaled === 0n) return { unscaled: b.unscaled, scale: b.scale, format };
  // Past any use, and past memory: the smaller one is lost in the larger one.
  if (Math.abs(a.scale - b.scale) > 10_000) return magnitude(a) > magnitude(b) ? a : b;
  const scale = Math.min(a.scale, b.scale);
  return { unscaled: unscaledAt(a, scale) + unscaledAt(b, scale), scale, format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return addQuantities(a, negateQuantity(b));
}

export function negateQuantity(quantity: Quantity): Quantity {
  return { unscaled: -quantity.unscaled, scale: quantity.scale, format: quantity.format };
}

export function sign(quantity: Quantity): -1 | 0 | 1 {
  return quantity.unscaled === 0n ? 0 : quantity.unscaled < 0n ? -1 : 1;
}

/** The number in units of `10^scale`, rounded away from zero, held within 64 bits. */
export function scaledValue(quantity: Quantity, scale: number): bigint {
  if (quantity.unscaled === 0n) return 0n;
  if (magnitude(quantity) - scale > 20) return quantity.unscaled < 0n ? -maxInt64 : maxInt64;
  const value = roundAwayFromZero(quantity, scale);
  return value > maxInt64 ? maxInt64 : value < -maxInt64 ? -maxInt64 : value;
}

/** In whole units (bytes, cores), rounded up. Exact below 2^53. */
export function quantityValue(quantity: Quantity): number {
  return Number(scaledValue(quantity, 0));
}

/** In thousandths (millicores), rounded up. Exact below 2^53. */
export function quantityMilliValue(quantity: Quantity): number {
  return Number(scaledValue(quantity, -3));
}

/** The nearest double: for ratios and scores, never for accounting. */
export function approximateNumber(quantity: Quantity): number {
  return Number(quantity.unscaled) * 10 ** quantity.scale;
}

/** The same number with no digits below `10^scale`, rounded away from zero. */
export function roundUpQuantity(quantity: Quantity, scale: number): Quantity {
  if (quantity.scale >= scale) return quantity;
  return { unscaled: roundAwayFromZero(quantity, scale), scale, format: quantity.format };
}

/** The unscaled value at a scale that is not greater than the quantity's own. */
function unscaledAt({ unscaled, scale }: Quantity, wanted: number): bigint {
  return unscaled * 10n ** BigInt(scale - wanted);
}

function roundAwayFromZero(quantity: Quantity, scale: number): bigint {
  if (quantity.scale >= scale) return unscaledAt(quantity, scale);
  if (magnitude(quantity) < scale) return BigInt(sign(quantity));
  const divisor = 10n ** BigInt(scale - quantity.scale);
  const whole = quantity.unscaled / divisor;
  return quantity.unscaled % divisor === 0n ? whole : whole + BigInt(sign(quantity));
}

/** One more than the power of ten of the first digit; for numbers other than zero. */
function magnitude({ unscaled, scale }: Quantity): number {
  return String(unscaled < 0n ? -unscaled : unscaled).length + scale;
}
