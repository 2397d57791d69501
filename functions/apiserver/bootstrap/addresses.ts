import { formatIp, networkOf, parseCidr } from '../../../lib/api/validate/ip.ts';

/** The address `n` places behind the start of a range: `10.96.0.10` for 10 in `10.96.0.0/16`. */
export function nthAddress(cidr: string, n: number): string {
  const parsed = parseCidr(cidr);
  if (!parsed)
    throw new TypeError(
      `service range: Invalid value: "${cidr}": must be an address range such as 10.96.0.0/16`,
    );
  const { family, value } = networkOf(parsed);
  return formatIp({ family, value: value + BigInt(n) });
}
