import type { ConfigMap } from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, tooLong } from '../../validate/field-error.ts';
import { configMapKey, nameIsSubdomain } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';

/** Of a ConfigMap or a Secret, all values together. */
export const maxDataBytes = 1024 * 1024;

export const configMapRules = rules<ConfigMap>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults() {},

  validateCreate: validate,

  validateUpdate: (configMap, old) => [
    ...validateObjectMetaUpdate(configMap.metadata, old.metadata),
    ...validateImmutable(configMap, old, ['data', 'binaryData']),
    ...validate(configMap),
  ],
});

function validate(configMap: ConfigMap): FieldError[] {
  const errors = validateObjectMeta(configMap.metadata, { namespaced: true, nameRule: nameIsSubdomain });
  const { data = {}, binaryData = {} } = configMap;
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    const path = Path.of('data').key(key);
    errors.push(...validateKey(key, path));
    if (Object.hasOwn(binaryData, key)) {
      errors.push(invalidValue(path, key, 'duplicate of key present in binaryData'));
    }
    size += Buffer.byteLength(value ?? '');
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...validateKey(key, Path.of('binaryData').key(key)));
    size += Buffer.byteLength(value ?? '', 'base64');
  }
  if (size > maxDataBytes) errors.push(tooLong(Path.of(''), maxDataBytes));
  return errors;
}

export function validateKey(key: string, path: Path): FieldError[] {
  return configMapKey(key).map((message) => invalidValue(path, key, message));
}

interface Immutable {
  immutable?: boolean;
}

/** What was marked `immutable` keeps its data and its mark. */
export function validateImmutable<T extends Immutable>(
  object: T,
  old: T,
  fields: (keyof T & string)[],
): FieldError[] {
  if (!old.immutable) return [];
  const detail = 'field is immutable when `immutable` is set';
  const errors = object.immutable ? [] : [fieldForbidden(Path.of('immutable'), detail)];
  for (const field of fields) {
    if (!sameValue(object[field], old[field])) errors.push(fieldForbidden(Path.of(field), detail));
  }
  return errors;
}
