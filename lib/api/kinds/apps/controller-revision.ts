import type { ControllerRevision } from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import {
  immutable,
  nonnegative,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';

const dataPath = Path.of('data');

/** One past state of a StatefulSet or DaemonSet: only its number may change. */
export const controllerRevisionRules = rules<ControllerRevision>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults() {},

  validateCreate: (revision) => [...validate(revision), ...validateData(revision.data)],

  validateUpdate: (revision, old) => [
    ...validateObjectMetaUpdate(revision.metadata, old.metadata),
    ...validate(revision),
    ...immutable(revision.data, old.data, dataPath),
  ],
});

function validate({ metadata, revision }: ControllerRevision): FieldError[] {
  return [
    ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...nonnegative(revision, Path.of('revision')),
  ];
}

function validateData(data: unknown): FieldError[] {
  if (data === undefined || data === null) return [required(dataPath, 'data is mandatory')];
  if (typeof data === 'object' && !Array.isArray(data)) return [];
  return [required(dataPath, 'data must be a valid JSON object')];
}
