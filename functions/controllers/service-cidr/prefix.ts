import { BlockList, isIP } from 'node:net';

/** Whether a range, `10.96.0.0/16` or `fd00::/108`, holds an address; one of the other family it never does. */
export function contains(cidr: string, address: string): boolean {
  const { network, bits, family } = parse(cidr);
  if (isIP(address) !== (family === 'ipv4' ? 4 : 6)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(address, family);
}

/** Whether all of a range lies in another one. */
export function inside(cidr: string, other: string): boolean {
  return parse(cidr).bits >= parse(other).bits && contains(other, parse(cidr).network);
}

function parse(cidr: string): { network: string; bits: number; family: 'ipv4' | 'ipv6' } {
  const [network = '', bits] = cidr.split('/');
  return { network, bits: Number(bits), family: isIP(network) === 6 ? 'ipv6' : 'ipv4' };
}
