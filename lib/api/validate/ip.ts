/** IP addresses and CIDRs as fields of the API hold them (KEP-4858: no leading zeros, no IPv4-mapped IPv6). */
import { isIPv4, isIPv6 } from 'node:net';
import type { FieldError } from './field-error.ts';
import { invalidValue } from './field-error.ts';
import type { Path } from './path.ts';
import { quote } from './quote.ts';

export interface Ip {
  family: 4 | 6;
  value: bigint;
}

/** An address, with or without leading zeros in its IPv4 parts; undefined when it is none. */
export function parseIp(text: string): Ip | undefined {
  const plain = /^\d+(\.\d+){3}$/.test(text) ? text.split('.').map(Number).join('.') : text;
  if (isIPv4(plain)) return { family: 4, value: ipv4Value(plain) };
  if (!isIPv6(plain) || plain.includes('%')) return undefined;
  const value = ipv6Value(plain);
  // Go holds a mapped address as the IPv4 address that it is.
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffffffffn } : { family: 6, value };
}

function ipv4Value(text: string): bigint {
  return text.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n);
}

function ipv6Value(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted) {
    const low = ipv4Value(dotted[2] ?? '');
    return ipv6Value(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const [head = '', tail] = text.split('::');
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const first = groups(head);
  const last = groups(tail);
  const middle = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array<string>(middle).fill('0'), ...last].reduce(
    (value, group) => value * 65536n + BigInt(`0x${group}`),
    0n,
  );
}

/** RFC 5952. */
export function formatIp({ family, value }: Ip): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16),
  );
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

export interface Cidr {
  address: Ip;
  prefix: number;
}

export function parseCidr(text: string): Cidr | undefined {
  const match = /^(.*)\/(\d{1,3})$/.exec(text);
  const address = match ? parseIp(match[1] ?? '') : undefined;
  const prefix = Number(match?.[2]);
  if (!address || prefix > (address.family === 4 ? 32 : 128)) return undefined;
  return { address, prefix };
}

/** The first address of the range. */
export function networkOf({ address, prefix }: Cidr): Ip {
  const bits = BigInt((address.family === 4 ? 32 : 128) - prefix);
  return { ...address, value: (address.value >> bits) << bits };
}

export const formatCidr = (cidr: Cidr): string => `${formatIp(networkOf(cidr))}/${cidr.prefix}`;

const hasLeadingZeros = (text: string): boolean => /(^|[.:])0\d+(\.|$)/.test(text);
const isMapped = (text: string): boolean => text.includes(':') && parseIp(text)?.family === 4;

/** For fields that once took sloppier addresses: `stored` ones are left alone. */
export function validateIpLegacy(path: Path, text: string, stored: readonly string[] = []): FieldError[] {
  if (stored.includes(text)) return [];
  if (!parseIp(text)) {
    return [invalidValue(path, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
  }
  if (hasLeadingZeros(text)) return [invalidValue(path, text, 'must not have leading 0s')];
  if (isMapped(text)) return [invalidValue(path, text, 'must not be an IPv4-mapped IPv6 address')];
  return [];
}

/** For newer fields: the canonical form only. */
export function validateIp(path: Path, text: string): FieldError[] {
  const errors = validateIpLegacy(path, text);
  const ip = parseIp(text);
  if (errors.length > 0 || !ip) return errors;
  const canonical = formatIp(ip);
  return text === canonical
    ? []
    : [invalidValue(path, text, `must be in canonical form (${quote(canonical)})`)];
}

export function validateCidrLegacy(path: Path, text: string, stored: readonly string[] = []): FieldError[] {
  if (stored.includes(text)) return [];
  const cidr = parseCidr(text);
  if (!cidr)
    return [invalidValue(path, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
  const [address = '', prefix = ''] = text.split('/');
  if (hasLeadingZeros(address) || /^0\d/.test(prefix)) {
    return [invalidValue(path, text, 'must not have leading 0s in IP or prefix length')];
  }
  if (isMapped(address)) return [invalidValue(path, text, 'must not have an IPv4-mapped IPv6 address')];
  if (networkOf(cidr).value !== cidr.address.value) {
    return [invalidValue(path, text, 'must not have bits set beyond the prefix length')];
  }
  return [];
}

export function validateCidr(path: Path, text: string): FieldError[] {
  const errors = validateCidrLegacy(path, text);
  const cidr = parseCidr(text);
  if (errors.length > 0 || !cidr) return errors;
  const canonical = formatCidr(cidr);
  return text === canonical
    ? []
    : [invalidValue(path, text, `must be in canonical form (${quote(canonical)})`)];
}

/** Addresses that no endpoint can have: unspecified, loopback, link-local. */
export function validateEndpointIp(path: Path, text: string): FieldError[] {
  const ip = parseIp(text);
  if (!ip) return [invalidValue(path, text, 'must be a valid IP address')];
  const high = ip.family === 4 ? ip.value >> 24n : ip.value >> 112n;
  const problems: [boolean, string][] = [
    [ip.value === 0n, `may not be unspecified (${text})`],
    [
      ip.family === 4 ? high === 127n : ip.value === 1n,
      'may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
    [
      ip.family === 4 ? ip.value >> 16n === 0xa9fen : (high & 0xffc0n) === 0xfe80n,
      'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    ],
    [
      ip.family === 4 ? ip.value >> 8n === 0xe00000n : (high & 0xff0fn) === 0xff02n,
      'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
    ],
  ];
  return problems.filter(([holds]) => holds).map(([, detail]) => invalidValue(path, text, detail));
}

/**
 * Whether an address is one host's, reachable from others: neither unspecified nor loopback, link-local, multicast or
 * broadcast (what Go calls a global unicast address; private ranges are).
 */
export function isGlobalUnicast(text: string): boolean {
  const ip = parseIp(text);
  if (!ip || ip.value === 0n) return false;
  const { family, value } = ip;
  if (family === 4) {
    const first = value >> 24n;
    return first !== 127n && first >> 4n !== 0xen && value >> 16n !== 0xa9fen && value !== 0xffffffffn;
  }
  return value !== 1n && value >> 120n !== 0xffn && value >> 118n !== 0x3fan;
}
