export { formatQuantity } from './format.ts';
export { parseQuantity } from './parse.ts';
export {
  addQuantities,
  approximateNumber,
  compareQuantities,
  maxInt64,
  milliQuantityOf,
  negateQuantity,
  type Quantity,
  type QuantityFormat,
  quantityMilliValue,
  quantityOf,
  quantityValue,
  roundUpQuantity,
  scaledValue,
  sign,
  subtractQuantities,
  zero,
} from './quantity.ts';
