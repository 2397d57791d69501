import type { FieldError } from './field-error.ts';
import { invalidValue, required, tooLong } from './field-error.ts';
import type { Format } from './formats.ts';
import { dns1123Label, dns1123Subdomain } from './formats.ts';
import type { Path } from './path.ts';
import { quote } from './quote.ts';

export function isKubernetesSigner(name: string): boolean {
  const host = name.split('/', 1)[0] ?? '';
  return host === 'kubernetes.io' || host.endsWith('.kubernetes.io');
}

/** `example.com/signer-name`: a domain of at least two labels and a path of subdomains. */
export function validateSignerName(name: string, path: Path): FieldError[] {
  if (name === '') return [required(path)];
  const [domain = '', rest, ...more] = name.split('/');
  if (rest === undefined || more.length > 0) {
    const detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return [invalidValue(path, name, detail)];
  }
  const errors: FieldError[] = [];
  if (Buffer.byteLength(domain) > 253) errors.push(tooLong(path, 253));
  errors.push(...firstBadLabel(domain, dns1123Label, path));
  if (!domain.includes('.')) {
    errors.push(
      invalidValue(path, domain, 'should be a domain with at least two segments separated by dots'),
    );
  }
  errors.push(...firstBadLabel(rest, dns1123Subdomain, path));
  if (Buffer.byteLength(name) > 571) errors.push(tooLong(path, 571));
  return errors;
}

function firstBadLabel(text: string, format: Format, path: Path): FieldError[] {
  for (const label of text.split('.')) {
    const messages = format(label);
    if (messages.length > 0) {
      return messages.map((message) =>
        invalidValue(path, text, `validating label ${quote(label)}: ${message}`),
      );
    }
  }
  return [];
}
