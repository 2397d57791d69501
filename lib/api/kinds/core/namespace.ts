import type { Namespace } from '../../gen/types.ts';
import { invalidValue } from '../../validate/field-error.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { nameIsLabel, qualifiedName } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { keepStatus, rules } from '../rules.ts';

const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion'];
const finalizersPath = Path.of('spec', 'finalizers');

export const namespaceRules = rules<Namespace>({
  namespaced: false,
  allowUnconditionalUpdate: true,

  applyDefaults(namespace) {
    const { name } = namespace.metadata;
    if (name) {
      namespace.metadata.labels ??= {};
      namespace.metadata.labels['kubernetes.io/metadata.name'] = name;
    }
    namespace.status ??= {};
    namespace.status.phase ||= 'Active';
  },

  prepareForCreate(namespace) {
    namespace.status = { phase: 'Active' };
    const finalizers = namespace.spec.finalizers ?? [];
    if (!finalizers.includes('kubernetes')) namespace.spec.finalizers = [...finalizers, 'kubernetes'];
  },

  prepareForUpdate(namespace, old) {
    namespace.spec.finalizers = old.spec.finalizers;
    keepStatus(namespace, old);
  },

  validateCreate: (namespace) => [
    ...validateObjectMeta(namespace.metadata, { namespaced: false, nameRule: nameIsLabel }),
    ...(namespace.spec.finalizers ?? []).flatMap((finalizer) => validateFinalizer(finalizer, finalizersPath)),
  ],

  validateUpdate: (namespace, old) => validateObjectMetaUpdate(namespace.metadata, old.metadata),

  prepareForStatusUpdate(namespace, old) {
    namespace.spec = old.spec;
  },

  validateStatusUpdate(namespace, old) {
    const errors = validateObjectMetaUpdate(namespace.metadata, old.metadata);
    const phase = namespace.status?.phase ?? '';
    const path = Path.of('status', 'Phase');
    if (!namespace.metadata.deletionTimestamp) {
      if (phase !== 'Active') {
        errors.push(invalidValue(path, phase, "may only be 'Active' if `deletionTimestamp` is empty"));
      }
    } else if (phase !== 'Terminating') {
      errors.push(invalidValue(path, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty"));
    }
    return errors;
  },
});

/** `…/finalize`: keeps everything but `spec.finalizers`. */
export function prepareForFinalize(namespace: Namespace, old: Namespace): void {
  keepStatus(namespace, old);
}

export function validateFinalize(namespace: Namespace, old: Namespace): FieldError[] {
  return [
    ...validateObjectMetaUpdate(namespace.metadata, old.metadata),
    ...(namespace.spec.finalizers ?? []).flatMap((finalizer, index) =>
      validateFinalizer(finalizer, finalizersPath.index(index)),
    ),
  ];
}

function validateFinalizer(finalizer: string, path: Path): FieldError[] {
  const errors = qualifiedName(finalizer).map((message) => invalidValue(path, finalizer, message));
  if (!finalizer.includes('/') && !standardFinalizers.includes(finalizer)) {
    const detail = 'name is neither a standard finalizer name nor is it fully qualified';
    errors.push(invalidValue(path, finalizer, detail));
  }
  return errors;
}
