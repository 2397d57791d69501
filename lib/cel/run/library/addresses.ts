import {
  type Cidr,
  formatIp,
  type Ip,
  isGlobalUnicast,
  networkOf,
  parseCidr,
  parseIp,
} from '../../../api/validate/ip.ts';
import { CelError, type CelValue, Opaque } from '../values.ts';
import type { Implementation, Implementations } from './implementation.ts';

class Address extends Opaque {
  readonly typeName = 'net.IP';
  readonly ip: Ip;
  constructor(ip: Ip) {
    super();
    this.ip = ip;
  }
  override equals(other: Opaque): boolean {
    return other instanceof Address && sameIp(other.ip, this.ip);
  }
}

class Range extends Opaque {
  readonly typeName = 'net.CIDR';
  readonly cidr: Cidr;
  constructor(cidr: Cidr) {
    super();
    this.cidr = cidr;
  }
  override equals(other: Opaque): boolean {
    return (
      other instanceof Range &&
      other.cidr.prefix === this.cidr.prefix &&
      sameIp(other.cidr.address, this.cidr.address)
    );
  }
}

const sameIp = (a: Ip, b: Ip): boolean => a.family === b.family && a.value === b.value;

/** No leading zeros, no zone, no IPv4 address in an IPv6 one. */
function readIp(text: string): Ip | string {
  const shown = `IP Address ${JSON.stringify(text)} parse error during conversion from string`;
  const ip = parseIp(text);
  if (!ip || /(?:^|[.])0\d/.test(text))
    return `${shown}: ParseAddr(${JSON.stringify(text)}): unable to parse IP`;
  if (ip.family === 4 && text.includes(':')) {
    return `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`;
  }
  return ip;
}

function readCidr(text: string): Cidr | string {
  const [address = '', prefix = ''] = text.split('/');
  const cidr = parseCidr(text);
  if (!cidr || prefix.startsWith('0') !== (prefix === '0') || typeof readIp(address) === 'string') {
    return `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): unable to parse`;
  }
  return cidr;
}

function known<T>(read: T | string): T {
  if (typeof read === 'string') throw new CelError(read);
  return read;
}

function holds({ address, prefix }: Cidr, ip: Ip): boolean {
  if (address.family !== ip.family) return false;
  return networkOf({ address: ip, prefix }).value === networkOf({ address, prefix }).value;
}

const ofIp =
  (run: (ip: Ip) => CelValue): Implementation =>
  ([one = null]) =>
    one instanceof Address ? run(one.ip) : undefined;

const ofCidr =
  (run: (cidr: Cidr, other: CelValue) => CelValue | undefined): Implementation =>
  ([one = null, other = null]) =>
    one instanceof Range ? run(one.cidr, other) : undefined;

const text = ({ address, prefix }: Cidr): string => `${formatIp(address)}/${prefix}`;

export const addresses: Implementations = {
  ip([one = null], isMember) {
    if (one instanceof Range) return new Address(one.cidr.address);
    return typeof one === 'string' && !isMember ? new Address(known(readIp(one))) : undefined;
  },
  isIP: ([one = null]) => (typeof one === 'string' ? typeof readIp(one) !== 'string' : undefined),
  'ip.isCanonical': ([one = null]) =>
    typeof one === 'string' ? formatIp(known(readIp(one))) === one : undefined,
  family: ofIp(({ family }) => BigInt(family)),
  isUnspecified: ofIp(({ value }) => value === 0n),
  isLoopback: ofIp(({ family, value }) => (family === 4 ? value >> 24n === 127n : value === 1n)),
  isLinkLocalMulticast: ofIp(({ family, value }) =>
    family === 4 ? value >> 8n === 0xe00000n : ((value >> 112n) & 0xff0fn) === 0xff02n,
  ),
  isLinkLocalUnicast: ofIp(({ family, value }) =>
    family === 4 ? value >> 16n === 0xa9fen : value >> 118n === 0x3fan,
  ),
  isGlobalUnicast: ofIp((ip) => isGlobalUnicast(formatIp(ip))),
  cidr: ([one = null]) => (typeof one === 'string' ? new Range(known(readCidr(one))) : undefined),
  isCIDR: ([one = null]) => (typeof one === 'string' ? typeof readCidr(one) !== 'string' : undefined),
  containsIP: ofCidr((cidr, other) => {
    if (typeof other === 'string') return holds(cidr, known(readIp(other)));
    return other instanceof Address ? holds(cidr, other.ip) : undefined;
  }),
  containsCIDR: ofCidr((cidr, other) => {
    const inner = typeof other === 'string' ? known(readCidr(other)) : other instanceof Range && other.cidr;
    if (!inner) return undefined;
    return inner.prefix >= cidr.prefix && holds(cidr, inner.address);
  }),
  masked: ofCidr((cidr) => new Range({ ...cidr, address: networkOf(cidr) })),
  prefixLength: ofCidr(({ prefix }) => BigInt(prefix)),
  string([one = null]) {
    if (one instanceof Address) return formatIp(one.ip);
    return one instanceof Range ? text(one.cidr) : undefined;
  },
};
