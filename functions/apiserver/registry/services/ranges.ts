/** The ranges that the numbers of Services are chosen from. */
import {
  type Cidr,
  formatIp,
  type Ip,
  networkOf,
  parseCidr,
  parseIp,
} from '../../../../lib/api/validate/ip.ts';

export type IpFamily = 'IPv4' | 'IPv6';

/** Consecutive numbers to choose from. */
export interface NumberRange {
  first: bigint;
  size: bigint;
  /** So many at its beginning are left to those who ask for a number of their own (KEP-3070, KEP-3668). */
  reserved: bigint;
}

/** Addresses that Services can have: all of a CIDR but the network's own and, for IPv4, the broadcast address. */
export interface AddressRange extends NumberRange {
  /** Canonical. */
  cidr: string;
  family: IpFamily;
}

/** As upstream: no larger ranges are chosen from. */
const shortestIpv6Prefix = 64;

/** Undefined where it is no CIDR, or an IPv6 one of more than 2^64 addresses. */
export function addressRange(text: string): AddressRange | undefined {
  const cidr = parseCidr(text);
  if (!cidr) return undefined;
  const isIpv6 = cidr.address.family === 6;
  if (isIpv6 && cidr.prefix < shortestIpv6Prefix) return undefined;
  const total = totalOf(cidr);
  const size = total - (isIpv6 ? 1n : 2n);
  return {
    cidr: text,
    family: familyOf(cidr.address),
    first: networkOf(cidr).value + 1n,
    size: size > 0n ? size : 0n,
    reserved: reservedOf(total, 16n, 16n, 256n),
  };
}

/**
 * `10.96.0.0/16`, or one range of each family with a comma between them; the first one's is the default family.
 * @throws TypeError naming the value.
 */
export function parseServiceCidrs(text: string): AddressRange[] {
  const refuse = (detail: string) =>
    new TypeError(`serviceCidr: Invalid value: ${JSON.stringify(text)}: ${detail}`);
  const ranges = text.split(',').map((one) => {
    const cidr = parseCidr(one);
    if (!cidr) throw refuse('must be an IPv4 or IPv6 range, or one of each with a comma between them');
    const { family, value } = cidr.address;
    const [shortest, longest] = family === 4 ? [8, 30] : [shortestIpv6Prefix, 126];
    if (cidr.prefix < shortest || cidr.prefix > longest) {
      throw refuse(`an ${familyOf(cidr.address)} range must be of /${shortest} to /${longest}`);
    }
    if (networkOf(cidr).value !== value) throw refuse("must begin at its network's address");
    const range = addressRange(one);
    if (!range) throw refuse('is no range of addresses');
    return range;
  });
  if (ranges.length > 2 || (ranges.length === 2 && ranges[0]?.family === ranges[1]?.family)) {
    throw refuse('may hold no more than one range of each family');
  }
  return ranges;
}

export function familyOf({ family }: Ip): IpFamily {
  return family === 4 ? 'IPv4' : 'IPv6';
}

export function isInRange(range: AddressRange, ip: Ip): boolean {
  return familyOf(ip) === range.family && ip.value >= range.first && ip.value < range.first + range.size;
}

/** The nth address that a Service can have, from 1 on: 1 is that of the Service `kubernetes`. */
export function nthAddress({ family, first }: AddressRange, nth: number): string {
  return formatIp({ family: family === 'IPv4' ? 4 : 6, value: first + BigInt(nth) - 1n });
}

/** An address as IPAddress objects are named; what is no address as it is. */
export function canonicalIp(text: string): string {
  const ip = parseIp(text);
  return ip ? formatIp(ip) : text;
}

/** `30000-32767` */
export function parsePortRange(text: string): NumberRange {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || first < 1 || last > 65535 || first > last) {
    throw new TypeError(`nodePortRange: Invalid value: ${JSON.stringify(text)}: must be like 30000-32767`);
  }
  const size = BigInt(last - first + 1);
  return { first: BigInt(first), size, reserved: reservedOf(size, 16n, 32n, 128n) };
}

function totalOf({ address, prefix }: Cidr): bigint {
  return 1n << BigInt((address.family === 4 ? 32 : 128) - prefix);
}

function reservedOf(total: bigint, min: bigint, divisor: bigint, max: bigint): bigint {
  if (total <= min) return 0n;
  const part = total / divisor;
  return part < min ? min : part > max ? max : part;
}

/** Every number of a range once: first those that are not reserved, from a random place on, then the others. */
export function* candidates({ first, size, reserved }: NumberRange, random: () => number): Generator<bigint> {
  const isSplit = reserved < size;
  yield* around(first + (isSplit ? reserved : 0n), isSplit ? size - reserved : size, random);
  if (isSplit) yield* around(first, reserved, random);
}

function* around(first: bigint, size: bigint, random: () => number): Generator<bigint> {
  const start = randomBelow(size, random);
  for (let i = 0n; i < size; i++) yield first + ((start + i) % size);
}

/** Of ranges of 2^64 numbers, too. */
function randomBelow(size: bigint, random: () => number): bigint {
  const draw = () => BigInt(Math.floor(random() * 2 ** 32));
  return (((draw() << 32n) | draw()) * size) >> 64n;
}
