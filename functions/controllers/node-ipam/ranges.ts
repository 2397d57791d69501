/** An IPv4 range cut into equal parts, addressed by their index: `10.244.0.0/16` into /24 has 256. */
export interface CidrParts {
  readonly count: number;
  /** `10.244.3.0/24` */
  at(index: number): string;
  /** The indexes that a range covers or touches; empty where it lies outside. */
  indexesOf(cidr: string): number[];
}

/** @throws TypeError when the ranges are none, or the parts are larger than the whole. */
export function splitCidr(cidr: string, partPrefix: number): CidrParts {
  const whole = parseCidr(cidr);
  if (!whole)
    throw new TypeError(`clusterCidr: Invalid value: "${cidr}": must be an IPv4 range such as 10.244.0.0/16`);
  if (!Number.isInteger(partPrefix) || partPrefix < whole.prefix || partPrefix > 30) {
    throw new TypeError(
      `nodeCidrMaskSize: Invalid value: ${partPrefix}: must be between ${whole.prefix} (of ${cidr}) and 30`,
    );
  }
  const size = 2 ** (32 - partPrefix);
  const count = 2 ** (partPrefix - whole.prefix);
  return {
    count,
    at: (index) => `${formatAddress(whole.base + index * size)}/${partPrefix}`,
    indexesOf(other) {
      const range = parseCidr(other);
      if (!range) return [];
      const first = Math.floor((range.base - whole.base) / size);
      const last = Math.floor((range.base + 2 ** (32 - range.prefix) - 1 - whole.base) / size);
      const indexes: number[] = [];
      for (let index = Math.max(0, first); index <= Math.min(count - 1, last); index++) indexes.push(index);
      return indexes;
    },
  };
}

function parseCidr(cidr: string): { base: number; prefix: number } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  if (!match) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = match.slice(1).map(Number);
  if (Math.max(a, b, c, d) > 255 || prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  return { base: Math.floor(address / size) * size, prefix };
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
