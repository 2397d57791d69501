import { formatCidr, formatIp, networkOf, parseCidr } from './ip.ts';
import type { Path } from './path.ts';
import { quote } from './quote.ts';

/** What a client is told of a CIDR that is accepted and could be read in two ways, or is written unusually (KEP-4858). */
export function cidrWarnings(path: Path, text: string): string[] {
  const cidr = parseCidr(text);
  if (!cidr) return [];
  const canonical = formatCidr(cidr);
  const warnings: string[] = [];
  if (networkOf(cidr).value !== cidr.address.value) {
    const single = `${formatIp(cidr.address)}/${cidr.address.family === 4 ? 32 : 128}`;
    const hint = `(should be ${quote(canonical)} or ${quote(single)}?)`;
    warnings.push(`${path.toString()}: CIDR value ${quote(text)} is ambiguous in this context ${hint}`);
  }
  const isMapped = text.includes(':') && cidr.address.family === 4;
  if (isMapped || /(^|\.)0\d/.test(text) || /\/0\d/.test(text)) {
    warnings.push(
      `${path.toString()}: non-standard CIDR value ${quote(text)} is invalid: use ${quote(canonical)}`,
    );
  }
  if (warnings.length === 0 && cidr.address.family === 6 && text !== canonical) {
    warnings.push(
      `${path.toString()}: IPv6 CIDR value ${quote(text)} should be in RFC 5952 canonical format (${quote(canonical)})`,
    );
  }
  return warnings;
}
