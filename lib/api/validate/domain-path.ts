import type { FieldError } from './field-error.ts';
import { invalidValue, required } from './field-error.ts';
import { dns1123Subdomain, regexMessage } from './formats.ts';
import type { Path } from './path.ts';

const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const httpPathPattern = new RegExp(`^${httpPath}$`);

/** `example.com/ingress-controller`: a subdomain, and what RFC 3986 allows in a path. */
export function validateDomainPrefixedPath(text: string | undefined, path: Path): FieldError[] {
  if (!text) return [required(path)];
  const slash = text.indexOf('/');
  const host = text.slice(0, Math.max(slash, 0));
  const rest = text.slice(slash + 1);
  if (slash < 0 || host === '' || rest === '') {
    return [invalidValue(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  const errors = dns1123Subdomain(host).map((message) => invalidValue(path, host, message));
  if (!httpPathPattern.test(rest)) {
    errors.push(invalidValue(path, rest, regexMessage('Invalid path', httpPath)));
  }
  return errors;
}
