/** The rules of `metadata`, which all kinds share (apimachinery `api/validation`). */
import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from '../gen/types.ts';
import type { FieldError } from './field-error.ts';
import { fieldForbidden, invalidValue, required, tooLong } from './field-error.ts';
import { sameValue } from './equal.ts';
import type { NameRule } from './formats.ts';
import { nameIsLabel, qualifiedName } from './formats.ts';
import { validateLabels } from './labels.ts';
import { Path } from './path.ts';
import { quote } from './quote.ts';

const maxAnnotationBytes = 256 * 1024;
const metadata = Path.of('metadata');

export const immutableMessage = 'field is immutable';

/** Names have been generated before. */
export function validateObjectMeta(
  meta: ObjectMeta,
  rules: { namespaced: boolean; nameRule: NameRule },
  path: Path = metadata,
): FieldError[] {
  const errors: FieldError[] = [];
  if (meta.generateName) {
    for (const message of rules.nameRule(meta.generateName, true)) {
      errors.push(invalidValue(path.child('generateName'), meta.generateName, message));
    }
  }
  if (!meta.name) errors.push(required(path.child('name'), 'name or generateName is required'));
  else {
    for (const message of rules.nameRule(meta.name, false)) {
      errors.push(invalidValue(path.child('name'), meta.name, message));
    }
  }
  errors.push(...validateNamespace(meta.namespace, rules.namespaced, path.child('namespace')));
  errors.push(...nonnegative(meta.generation ?? 0, path.child('generation')));
  errors.push(...validateLabels(meta.labels, path.child('labels')));
  errors.push(...validateAnnotations(meta.annotations, path.child('annotations')));
  errors.push(...validateOwnerReferences(meta.ownerReferences ?? [], path.child('ownerReferences')));
  errors.push(...validateFinalizers(meta.finalizers ?? [], path.child('finalizers')));
  errors.push(...validateManagedFields(meta.managedFields ?? [], path.child('managedFields')));
  return errors;
}

function validateNamespace(namespace: string | undefined, namespaced: boolean, path: Path): FieldError[] {
  if (!namespaced) return namespace ? [fieldForbidden(path, 'not allowed on this type')] : [];
  if (!namespace) return [required(path)];
  return nameIsLabel(namespace, false).map((message) => invalidValue(path, namespace, message));
}

export function nonnegative(value: number | null | undefined, path: Path): FieldError[] {
  return (value ?? 0) < 0 ? [invalidValue(path, value, 'must be greater than or equal to 0')] : [];
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const message of qualifiedName(key.toLowerCase())) errors.push(invalidValue(path, key, message));
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > maxAnnotationBytes) errors.push(tooLong(path, maxAnnotationBytes));
  return errors;
}

function validateOwnerReferences(references: readonly OwnerReference[], path: Path): FieldError[] {
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const reference of references) {
    errors.push(...validateOwnerReference(reference, path));
    if (!reference.controller) continue;
    const name = `${reference.kind}/${reference.name}`;
    if (controller === undefined) controller = name;
    else {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(invalidValue(path, references, detail));
    }
  }
  return errors;
}

function validateOwnerReference(reference: OwnerReference, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const { apiVersion, kind, name, uid } = reference;
  const parts = apiVersion.split('/');
  const version = parts.length > 2 ? '' : parts.at(-1);
  if (!version) errors.push(invalidValue(path.child('apiVersion'), apiVersion, 'version must not be empty'));
  const empty = 'must not be empty';
  if (!kind) errors.push(invalidValue(path.child('kind'), kind, empty));
  if (!name) errors.push(invalidValue(path.child('name'), name, empty));
  if (!uid) errors.push(invalidValue(path.child('uid'), uid, empty));
  if (apiVersion === 'v1' && kind === 'Event') {
    errors.push(invalidValue(path, reference, '/v1, Kind=Event is disallowed from being an owner'));
  }
  return errors;
}

const orphan = 'orphan';
const foreground = 'foregroundDeletion';

function validateFinalizers(finalizers: readonly string[], path: Path): FieldError[] {
  const errors = finalizers.flatMap((finalizer) =>
    qualifiedName(finalizer).map((message) => invalidValue(path, finalizer, message)),
  );
  if (finalizers.includes(orphan) && finalizers.includes(foreground)) {
    const detail = `finalizer ${orphan} and ${foreground} cannot be both set`;
    errors.push(invalidValue(path, finalizers, detail));
  }
  return errors;
}

function validateManagedFields(entries: readonly ManagedFieldsEntry[], path: Path): FieldError[] {
  return entries.flatMap((entry, index) => {
    const at = path.index(index);
    const errors: FieldError[] = [];
    const { operation = '', fieldsType, manager = '', subresource = '' } = entry;
    if (operation !== 'Apply' && operation !== 'Update') {
      errors.push(invalidValue(at.child('operation'), operation, 'must be `Apply` or `Update`'));
    }
    if (fieldsType && fieldsType !== 'FieldsV1') {
      errors.push(invalidValue(at.child('fieldsType'), fieldsType, 'must be `FieldsV1`'));
    }
    errors.push(...validateFieldManager(manager, at.child('manager')));
    if (Buffer.byteLength(subresource) > 256) errors.push(tooLong(at.child('subresource'), 256));
    return errors;
  });
}

/** The query parameter `fieldManager`, and the name in `managedFields`. */
export function validateFieldManager(manager: string, path: Path): FieldError[] {
  const errors = Buffer.byteLength(manager) > 128 ? [tooLong(path, 128)] : [];
  let position = 0;
  for (const character of manager) {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      errors.push(invalidValue(path, manager, `invalid character U+${code} (at position ${position})`));
    }
    position += Buffer.byteLength(character);
  }
  return errors;
}

/** `resourceVersion`, `uid`, `creationTimestamp` and the like have been carried over from `old` where they were left out. */
export function validateObjectMetaUpdate(
  meta: ObjectMeta,
  old: ObjectMeta,
  path: Path = metadata,
): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) {
    const before = new Set(old.finalizers);
    const added = [...new Set(meta.finalizers)].filter((finalizer) => !before.has(finalizer)).sort();
    if (added.length > 0) {
      const list = `[]string{${added.map(quote).join(', ')}}`;
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
      errors.push(fieldForbidden(path.child('finalizers'), detail));
    }
  }
  if (!meta.resourceVersion) {
    errors.push(invalidValue(path.child('resourceVersion'), '', 'must be specified for an update'));
  }
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalidValue(path.child('generation'), meta.generation ?? 0, 'must not be decremented'));
  }
  for (const field of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const) {
    errors.push(...immutable(meta[field], old[field], path.child(field)));
  }
  errors.push(...validateLabels(meta.labels, path.child('labels')));
  errors.push(...validateAnnotations(meta.annotations, path.child('annotations')));
  errors.push(...validateOwnerReferences(meta.ownerReferences ?? [], path.child('ownerReferences')));
  errors.push(...validateManagedFields(meta.managedFields ?? [], path.child('managedFields')));
  return errors;
}

/** `Invalid value: …: field is immutable` unless both are the same. */
export function immutable(value: unknown, old: unknown, path: Path): FieldError[] {
  return sameValue(value, old) ? [] : [invalidValue(path, value, immutableMessage)];
}
