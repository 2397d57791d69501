/** Semantic versions 2.0.0 (semver.org). */
import { CelError, type CelValue, Opaque } from '../values.ts';
import type { Implementation, Implementations } from './implementation.ts';

class Semver extends Opaque {
  readonly typeName = 'kubernetes.Semver';
  readonly numbers: readonly bigint[];
  readonly before: readonly string[];
  constructor(numbers: readonly bigint[], before: readonly string[]) {
    super();
    this.numbers = numbers;
    this.before = before;
  }
  override equals(other: Opaque): boolean {
    return other instanceof Semver && compare(this, other) === 0;
  }
}

const form =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/;

/** `v1.0` and `01.2` become `1.0.0` and `1.2.0`. */
function normalized(text: string): string {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?([^]*)$/.exec(text);
  if (!match) return text;
  const [, major = '0', minor = '0', patch = '0', rest = ''] = match;
  return `${[major, minor, patch].map((part) => String(BigInt(part))).join('.')}${rest}`;
}

function parse([text, normalize = false]: readonly CelValue[]): Semver | undefined {
  if (typeof text !== 'string' || typeof normalize !== 'boolean') return undefined;
  const match = form.exec(normalize ? normalized(text) : text);
  if (!match) return undefined;
  const [, major = '', minor = '', patch = '', before] = match;
  return new Semver([major, minor, patch].map(BigInt), before?.split('.') ?? []);
}

function compareParts(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (left && right) return BigInt(a) < BigInt(b) ? -1 : 1;
  if (left !== right) return left ? -1 : 1;
  return a < b ? -1 : 1;
}

function compare(a: Semver, b: Semver): number {
  for (const [index, number] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  // A release comes after what came before it.
  if (a.before.length === 0 || b.before.length === 0) {
    return Math.sign(b.before.length - a.before.length);
  }
  const length = Math.max(a.before.length, b.before.length);
  for (let index = 0; index < length; index++) {
    const order = compareParts(a.before[index], b.before[index]);
    if (order !== 0) return order;
  }
  return 0;
}

const part =
  (index: number): Implementation =>
  ([version = null]) =>
    version instanceof Semver ? version.numbers[index] : undefined;

const order =
  (run: (order: number) => CelValue): Implementation =>
  ([a = null, b = null]) =>
    a instanceof Semver && b instanceof Semver ? run(compare(a, b)) : undefined;

export const semvers: Implementations = {
  semver(operands) {
    const version = parse(operands);
    if (!version) throw new CelError(`invalid semantic version ${JSON.stringify(operands[0])}`);
    return version;
  },
  isSemver: (operands) => parse(operands) !== undefined,
  major: part(0),
  minor: part(1),
  patch: part(2),
  isLessThan: order((sign) => sign < 0),
  isGreaterThan: order((sign) => sign > 0),
  compareTo: order((sign) => BigInt(sign)),
};
