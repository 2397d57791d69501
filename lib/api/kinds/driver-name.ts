import { filled } from '../validate/check.ts';
import type { FieldError } from '../validate/field-error.ts';
import { invalidValue, tooLong } from '../validate/field-error.ts';
import { dns1123Subdomain } from '../validate/formats.ts';
import type { Path } from '../validate/path.ts';

/** Of a CSI or DRA driver: a domain in any case, short enough for a socket's directory. */
export function validateDriverName(name: string | undefined, path: Path): FieldError[] {
  const text = name ?? '';
  const errors = filled(text, path);
  if (Buffer.byteLength(text) > 63) errors.push(tooLong(path, 63));
  const messages = dns1123Subdomain(text.toLowerCase());
  return [...errors, ...messages.map((message) => invalidValue(path, text, message))];
}
