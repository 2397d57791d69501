import type { Secret } from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required, tooLong } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { maxDataBytes, validateImmutable, validateKey } from './config-map.ts';
import { rules } from '../rules.ts';

const dataPath = Path.of('data');

export const secretRules = rules<Secret>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults(secret) {
    secret.type ||= 'Opaque';
    // `stringData` is for writing only: it goes over into `data`, and wins there.
    if (secret.stringData && Object.keys(secret.stringData).length > 0) {
      const written = Object.entries(secret.stringData).map(([key, value]): [string, string] => [
        key,
        Buffer.from(value).toString('base64'),
      ]);
      secret.data = { ...secret.data, ...Object.fromEntries(written) };
    }
    delete secret.stringData;
  },

  validateCreate: validate,

  prepareForUpdate(secret, old) {
    // A client that knows no types cannot change one.
    if (!secret.type) secret.type = old.type;
  },

  validateUpdate: (secret, old) => [
    ...validateObjectMetaUpdate(secret.metadata, old.metadata),
    ...immutable(secret.type, old.type, Path.of('type')),
    ...validateImmutable(secret, old, ['data']),
    ...validate(secret),
  ],
});

function validate(secret: Secret): FieldError[] {
  const errors = validateObjectMeta(secret.metadata, { namespaced: true, nameRule: nameIsSubdomain });
  const data = secret.data ?? {};
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...validateKey(key, dataPath.key(key)));
    size += Buffer.byteLength(value ?? '', 'base64');
  }
  if (size > maxDataBytes) errors.push(tooLong(dataPath, maxDataBytes));
  errors.push(...validateType(secret, data));
  return errors;
}

function validateType(secret: Secret, data: Readonly<Record<string, string>>): FieldError[] {
  const need = (...keys: string[]) =>
    keys.filter((key) => !Object.hasOwn(data, key)).map((key) => required(dataPath.key(key)));
  switch (secret.type) {
    case 'kubernetes.io/service-account-token': {
      const annotation = 'kubernetes.io/service-account.name';
      if (secret.metadata.annotations?.[annotation]) return [];
      return [required(Path.of('metadata', 'annotations').key(annotation))];
    }
    case 'kubernetes.io/dockercfg':
      return validateDockerConfig(data, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return validateDockerConfig(data, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth':
      return Object.hasOwn(data, 'username') || Object.hasOwn(data, 'password')
        ? []
        : need('username', 'password');
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [required(dataPath.key('ssh-privatekey'))];
    case 'kubernetes.io/tls':
      return need('tls.crt', 'tls.key');
    default:
      return [];
  }
}

function validateDockerConfig(data: Readonly<Record<string, string>>, key: string): FieldError[] {
  const path = dataPath.key(key);
  const value = data[key];
  if (value === undefined) return [required(path)];
  try {
    const config: unknown = JSON.parse(Buffer.from(value, 'base64').toString());
    if (typeof config === 'object' && !Array.isArray(config)) return [];
    const detail = `json: cannot unmarshal ${Array.isArray(config) ? 'array' : typeof config} into Go value of type map[string]interface {}`;
    return [invalidValue(path, '<secret contents redacted>', detail)];
  } catch {
    // The parser's own message would show parts of the secret.
    return [invalidValue(path, '<secret contents redacted>', 'invalid character in JSON')];
  }
}
