import { parseQuantity, quantityMilliValue, quantityValue } from '../../lib/api/quantity/index.ts';

type Resources = Record<string, string> | undefined;

/** `cpu` in thousandths of a core; undefined where it is not asked for. */
export function milliCpu(resources: Resources): number | undefined {
  const cpu = resources?.['cpu'];
  return cpu === undefined ? undefined : quantityMilliValue(parseQuantity(cpu));
}

/** A resource in whole units (bytes, counts), rounded up; undefined where it is not asked for. */
export function amountOf(resources: Resources, name: string): number | undefined {
  const amount = resources?.[name];
  return amount === undefined ? undefined : quantityValue(parseQuantity(amount));
}
