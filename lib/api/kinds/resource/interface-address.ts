import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue } from '../../validate/field-error.ts';
import { formatIp, parseCidr } from '../../validate/ip.ts';
import type { Path } from '../../validate/path.ts';
import { quote } from '../../validate/quote.ts';

/** An address with the length of its network's prefix, `10.9.8.7/24`, in its canonical form. */
export function validateInterfaceAddress(text: string, path: Path): FieldError[] {
  const cidr = parseCidr(text);
  if (!cidr) {
    const detail = 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)';
    return [invalidValue(path, text, detail)];
  }
  const canonical = `${formatIp(cidr.address)}/${cidr.prefix}`;
  if (text === canonical) return [];
  return [invalidValue(path, text, `must be in canonical form (${quote(canonical)})`)];
}
