/** Sums of resource amounts by name, as quotas keep them: quantities as text. */
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
  zero,
} from '../quantity/index.ts';
import { own } from '../validate/own.ts';

export type Amounts = Record<string, string>;
type Names = readonly string[] | ReadonlySet<string>;

const read = (amounts: Readonly<Amounts>, name: string): Quantity => {
  const text = own(amounts, name);
  return text === undefined ? zero : parseQuantity(text);
};

const write = (quantity: Quantity): string => formatQuantity({ ...quantity, text: undefined });

export function addAmounts(a: Readonly<Amounts>, b: Readonly<Amounts>): Amounts {
  const sum: Amounts = { ...a };
  for (const [name, text] of Object.entries(b)) {
    sum[name] = Object.hasOwn(a, name) ? write(addQuantities(read(a, name), parseQuantity(text))) : text;
  }
  return sum;
}

/** Adds up many at once: each text is parsed once, and the sums are written once. */
export function amountsTotal(): {
  add(amounts: Readonly<Amounts>, names: ReadonlySet<string>): void;
  sum(): Amounts;
} {
  const sums = new Map<string, Quantity>();
  const parsed = new Map<string, Quantity>();
  return {
    add(amounts, names) {
      for (const [name, text] of Object.entries(amounts)) {
        if (!names.has(name)) continue;
        let quantity = parsed.get(text);
        if (!quantity) parsed.set(text, (quantity = parseQuantity(text)));
        const before = sums.get(name);
        sums.set(name, before ? addQuantities(before, quantity) : quantity);
      }
    },
    sum: () => Object.fromEntries([...sums].map(([name, quantity]) => [name, write(quantity)])),
  };
}

/** What of `a` is beyond `b`; never below zero. */
export function amountsBeyond(a: Readonly<Amounts>, b: Readonly<Amounts>): Amounts {
  return Object.fromEntries(
    Object.keys(a).map((name) => {
      const difference = subtractQuantities(read(a, name), read(b, name));
      return [name, compareQuantities(difference, zero) > 0 ? write(difference) : '0'];
    }),
  );
}

export function maskAmounts(amounts: Readonly<Amounts>, names: Names): Amounts {
  const kept = new Set(names);
  return Object.fromEntries(Object.entries(amounts).filter(([name]) => kept.has(name)));
}

export function withoutZeros(amounts: Readonly<Amounts>): Amounts {
  return Object.fromEntries(
    Object.entries(amounts).filter(([, text]) => compareQuantities(parseQuantity(text), zero) !== 0),
  );
}

/** Names whose amount is over that of `limits`; what is not limited is not over. */
export function namesOver(amounts: Readonly<Amounts>, limits: Readonly<Amounts>): string[] {
  return Object.keys(amounts).filter(
    (name) => Object.hasOwn(limits, name) && compareQuantities(read(amounts, name), read(limits, name)) > 0,
  );
}

export function negativeNames(amounts: Readonly<Amounts>): string[] {
  return Object.keys(amounts).filter((name) => compareQuantities(read(amounts, name), zero) < 0);
}

export function sameAmounts(a: Readonly<Amounts>, b: Readonly<Amounts>): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every(
    (name) => Object.hasOwn(b, name) && compareQuantities(read(a, name), read(b, name)) === 0,
  );
}

/** The larger of each. */
export function maxAmounts(a: Readonly<Amounts>, b: Readonly<Amounts>): Amounts {
  const result: Amounts = { ...a };
  for (const [name, text] of Object.entries(b)) {
    if (!Object.hasOwn(a, name) || compareQuantities(read(a, name), parseQuantity(text)) < 0)
      result[name] = text;
  }
  return result;
}

/** `limits.cpu=2,pods=3`, as refusals show amounts. */
export function showAmounts(amounts: Readonly<Amounts>): string {
  return Object.keys(amounts)
    .sort()
    .map((name) => `${name}=${amounts[name]}`)
    .join(',');
}
