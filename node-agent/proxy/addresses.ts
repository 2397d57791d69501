import { BlockList, isIP } from 'node:net';
import type { NftFamily } from './nft/ruleset.ts';

export function familyOf(address: string): NftFamily | undefined {
  const version = isIP(address);
  return version === 4 ? 'ip' : version === 6 ? 'ip6' : undefined;
}

export function ofFamily(addresses: readonly string[] | undefined, family: NftFamily): string[] {
  return (addresses ?? []).map((text) => text.trim()).filter((address) => familyOf(address) === family);
}

/** Splits `10.0.0.0/8`; undefined when it is not a CIDR. */
export function parseCidr(cidr: string): { address: string; bits: number; family: NftFamily } | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(cidr.trim());
  const family = match?.[1] === undefined ? undefined : familyOf(match[1]);
  const bits = Number(match?.[2]);
  if (!match?.[1] || !family || bits > (family === 'ip' ? 32 : 128)) return undefined;
  return { address: match[1], bits, family };
}

/** The valid CIDRs of one family without those that lie within another: an nft set takes no overlaps. */
export function disjointCidrs(cidrs: readonly string[], family: NftFamily): string[] {
  const parsed = cidrs
    .map(parseCidr)
    .filter((cidr) => cidr !== undefined && cidr.family === family)
    .filter((cidr) => cidr !== undefined)
    .sort((a, b) => a.bits - b.bits);
  const taken = new BlockList();
  const type = family === 'ip' ? 'ipv4' : 'ipv6';
  const kept: string[] = [];
  for (const { address, bits } of parsed) {
    if (taken.check(address, type)) continue;
    taken.addSubnet(address, bits, type);
    kept.push(`${address}/${bits}`);
  }
  return kept;
}

export function anyContains(
  cidrs: readonly string[],
  addresses: readonly string[],
  family: NftFamily,
): boolean {
  const list = new BlockList();
  const type = family === 'ip' ? 'ipv4' : 'ipv6';
  for (const cidr of cidrs) {
    const parsed = parseCidr(cidr);
    if (parsed?.family === family) list.addSubnet(parsed.address, parsed.bits, type);
  }
  return addresses.some((address) => list.check(address, type));
}
