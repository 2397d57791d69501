/** The names of devices, pools, attributes and what is asked for. */
import { matches, requiredMatch } from '../../validate/check.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required, tooLong } from '../../validate/field-error.ts';
import { cIdentifier, dns1123Label, dns1123Subdomain, labelValue } from '../../validate/formats.ts';
import type { Path } from '../../validate/path.ts';
import { validateDriverName } from '../driver-name.ts';

const maxIdBytes = 32;
const maxDomainBytes = 63;
const maxPoolBytes = 253;

/** The longest name of an attribute or a capacity. */
export const maxQualifiedNameLength = maxDomainBytes + 1 + maxIdBytes;

/** One DNS label, which must be there. */
export const validateLabelled = (name: string | undefined, path: Path): FieldError[] =>
  matches(dns1123Label, name ?? '', path);

export const validateClassName = (name: string, path: Path): FieldError[] =>
  requiredMatch(dns1123Subdomain, name, path);

export function validatePoolName(name: string, path: Path): FieldError[] {
  if (!name) return [required(path)];
  const errors = Buffer.byteLength(name) > maxPoolBytes ? [tooLong(path, maxPoolBytes)] : [];
  for (const part of name.split('/')) errors.push(...matches(dns1123Subdomain, part, path));
  return errors;
}

/** `model` or `vendor.example.com/model` */
export function validateAttributeName(name: string, path: Path): FieldError[] {
  const parts = name.split('/');
  const [first = '', second = ''] = parts;
  if (parts.length === 1) return validateId(first, path);
  if (parts.length > 2) return [];
  return [
    ...(first === ''
      ? [invalidValue(path, '', 'the domain must not be empty')]
      : validateDriverName(first, path)),
    ...(second === '' ? [invalidValue(path, '', 'the name must not be empty')] : validateId(second, path)),
  ];
}

export function validateFullAttributeName(name: string, path: Path): FieldError[] {
  const errors = validateAttributeName(name, path);
  if (name.includes('/')) return errors;
  const detail = 'a fully qualified name must be a domain and a name separated by a slash';
  return [...errors, invalidValue(path, name, detail)];
}

function validateId(id: string, path: Path): FieldError[] {
  const errors = Buffer.byteLength(id) > maxIdBytes ? [tooLong(path, maxIdBytes)] : [];
  return [...errors, ...matches(cIdentifier, id, path)];
}

export function validateUid(uid: string, path: Path): FieldError[] {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uid)) return [];
  if (![32, 36, 38, 45].includes(uid.length)) {
    return [invalidValue(path, uid, `error validating uid: invalid UUID length: ${uid.length}`)];
  }
  if (!/^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i.test(uid.replace(/^(urn:uuid:|\{)|\}$/g, ''))) {
    return [invalidValue(path, uid, 'error validating uid: invalid UUID format')];
  }
  const detail =
    'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters';
  return [invalidValue(path, uid, detail)];
}

export const validateLabelValue = (value: string | undefined, path: Path): FieldError[] =>
  matches(labelValue, value ?? '', path);
