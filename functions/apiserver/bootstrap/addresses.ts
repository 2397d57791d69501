/** The address `n` places behind the start of an IPv4 range: `10.96.0.10` for 10 in `10.96.0.0/16`. */
export function nthAddress(cidr: string, n: number): string {
  const [network = ''] = cidr.split('/');
  const number = network.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + n;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
