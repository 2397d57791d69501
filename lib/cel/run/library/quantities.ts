import {
  addQuantities,
  approximateNumber,
  compareQuantities,
  parseQuantity,
  type Quantity,
  quantityOf,
  scaledValue,
  sign,
  subtractQuantities,
} from '../../../api/quantity/index.ts';
import { CelError, type CelValue, Opaque } from '../values.ts';
import type { Implementation, Implementations } from './implementation.ts';

class QuantityValue extends Opaque {
  readonly typeName = 'kubernetes.Quantity';
  readonly quantity: Quantity;
  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }
  override equals(other: Opaque): boolean {
    return other instanceof QuantityValue && compareQuantities(other.quantity, this.quantity) === 0;
  }
}

function parse(text: CelValue | undefined): QuantityValue | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    return new QuantityValue(parseQuantity(text));
  } catch {
    // Whatever is wrong with it, it is no quantity: the caller says so.
    return undefined;
  }
}

const of =
  (run: (quantity: Quantity, other: Quantity | undefined) => CelValue | undefined): Implementation =>
  ([one = null, other]) => {
    if (!(one instanceof QuantityValue)) return undefined;
    if (typeof other === 'bigint') return run(one.quantity, quantityOf(other));
    return run(one.quantity, other instanceof QuantityValue ? other.quantity : undefined);
  };

const withOther = (run: (a: Quantity, b: Quantity) => CelValue): Implementation =>
  of((a, b) => (b ? run(a, b) : undefined));

const isWhole = (quantity: Quantity): boolean => {
  const whole = quantityOf(scaledValue(quantity, 0));
  const value = scaledValue(quantity, 0);
  return compareQuantities(whole, quantity) === 0 && value <= 2n ** 63n - 1n && value >= -(2n ** 63n);
};

export const quantities: Implementations = {
  quantity([text]) {
    const quantity = parse(text);
    if (!quantity) {
      throw new CelError(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      );
    }
    return quantity;
  },
  isQuantity: ([text]) => parse(text) !== undefined,
  sign: of((quantity) => BigInt(sign(quantity))),
  isInteger: of(isWhole),
  asInteger: of((quantity) => {
    if (!isWhole(quantity)) throw new CelError('cannot convert value to integer');
    return scaledValue(quantity, 0);
  }),
  asApproximateFloat: of(approximateNumber),
  add: withOther((a, b) => new QuantityValue(addQuantities(a, b))),
  sub: withOther((a, b) => new QuantityValue(subtractQuantities(a, b))),
  isLessThan: withOther((a, b) => compareQuantities(a, b) < 0),
  isGreaterThan: withOther((a, b) => compareQuantities(a, b) > 0),
  compareTo: withOther((a, b) => BigInt(Math.sign(compareQuantities(a, b)))),
};
