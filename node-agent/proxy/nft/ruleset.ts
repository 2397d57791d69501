/**
 * The content of one nftables table as data. Chain names may hold `/` and `.`, never a blank; rules, hooks and
 * elements are in nft's own syntax, already valid: nothing from outside goes in unchecked.
 */
export interface Ruleset {
  chains: Map<string, Chain>;
  sets: Map<string, NftSet>;
}

export interface Chain {
  /** Base chains only: `type nat hook output priority -100`. */
  hook?: string;
  /** In order. */
  rules: readonly string[];
}

/** A set or a map; an element of a set has the value ''. */
export interface NftSet {
  kind: 'set' | 'map';
  /** `ipv4_addr . inet_proto . inet_service : verdict` */
  type: string;
  /** `flags dynamic,timeout; timeout 10800s;` A set never changes its options: another option needs another name. */
  options?: string;
  /** Absent: filled by the packets that pass, and left alone. */
  elements?: Map<string, string>;
}

export type NftFamily = 'ip' | 'ip6';

export interface NftTable {
  family: NftFamily;
  name: string;
}

/** What the kernel holds at the moment, as far as a full update needs to know it. */
export interface Observed {
  chains: readonly string[];
  sets: readonly string[];
}
