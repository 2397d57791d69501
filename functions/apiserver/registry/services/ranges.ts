/** IPv4 service ranges and node port ranges, as numbers. */
export interface AddressRange {
  cidr: string;
  /** The network's address. */
  base: number;
  /** How many addresses it has, the network's own and the broadcast address included. */
  size: number;
}

export function parseCidr(cidr: string): AddressRange {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(cidr);
  const address = match?.[1] === undefined ? undefined : parseAddress(match[1]);
  const bits = Number(match?.[2]);
  if (address === undefined || !(bits >= 8 && bits <= 30)) {
    throw new TypeError(
      `serviceCidr: Invalid value: ${JSON.stringify(cidr)}: must be an IPv4 range of /8 to /30`,
    );
  }
  const size = 2 ** (32 - bits);
  if (address % size !== 0) {
    throw new TypeError(
      `serviceCidr: Invalid value: ${JSON.stringify(cidr)}: must begin at its network's address`,
    );
  }
  return { cidr, base: address, size };
}

export function parseAddress(text: string): number | undefined {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
    return undefined;
  return parts.reduce((value, part) => value * 256 + part, 0);
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** `30000-32767` */
export function parsePortRange(text: string): { first: number; last: number } {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || first < 1 || last > 65535 || first > last) {
    throw new TypeError(`nodePortRange: Invalid value: ${JSON.stringify(text)}: must be like 30000-32767`);
  }
  return { first, last };
}

/**
 * Where dynamic choices begin: the first part of a range is left to those who ask for a number of their own
 * (KEP-3070, KEP-3668).
 */
export function staticBand(size: number, min: number, divisor: number, max: number): number {
  if (size < min * 2) return 0;
  return Math.min(Math.max(min, Math.floor(size / divisor)), max);
}

/** All numbers of `[0, size)` once: first those above the band from a random place on, then those below. */
export function* candidates(size: number, band: number, random: () => number): Generator<number> {
  const upper = size - band;
  const start = Math.floor(random() * upper);
  for (let i = 0; i < upper; i++) yield band + ((start + i) % upper);
  const lowerStart = Math.floor(random() * band);
  for (let i = 0; i < band; i++) yield (lowerStart + i) % band;
}
