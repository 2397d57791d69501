import type { DownwardAPIVolumeFile, KeyToPath } from '../../../gen/types.ts';
import { fileMode, filled, volumePath } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { invalidValue, required } from '../../../validate/field-error.ts';
import type { Path } from '../../../validate/path.ts';
import { validateFieldRef, validateResourceFieldRef } from './env.ts';

export function validateItems(items: readonly KeyToPath[] | undefined, path: Path): FieldError[] {
  return (items ?? []).flatMap(({ key, path: target, mode }, index) => {
    const at = path.index(index);
    return [
      ...filled(key, at.child('key')),
      ...filled(target, at.child('path')),
      ...volumePath(target, at.child('path')),
      ...fileMode(mode, at.child('mode')),
    ];
  });
}

const downwardFields = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

export function validateDownwardFile(file: DownwardAPIVolumeFile, path: Path): FieldError[] {
  const errors = [...filled(file.path, path.child('path')), ...volumePath(file.path, path.child('path'))];
  if (file.fieldRef) {
    errors.push(...validateFieldRef(file.fieldRef, downwardFields, path.child('fieldRef')));
    if (file.resourceFieldRef) {
      const detail = 'fieldRef and resourceFieldRef can not be specified simultaneously';
      errors.push(invalidValue(path, 'resource', detail));
    }
  } else if (file.resourceFieldRef) {
    errors.push(...validateResourceFieldRef(file.resourceFieldRef, true, path.child('resourceFieldRef')));
  } else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  return [...errors, ...fileMode(file.mode, path.child('mode'))];
}
