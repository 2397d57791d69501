import type { PersistentVolumeClaimSpec } from '../gen/types.ts';
import { parseQuantity, quantityMilliValue } from '../quantity/index.ts';
import { filled, matches, optionalChoice } from '../validate/check.ts';
import { sameValue } from '../validate/equal.ts';
import type { FieldError } from '../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../validate/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../validate/formats.ts';
import { validateLabelSelector } from '../validate/labels.ts';
import type { Path } from '../validate/path.ts';
import { quote } from '../validate/quote.ts';
import { positiveQuantity, validateResourceAmount } from '../validate/resources.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const volumeModes = ['Block', 'Filesystem'];

/** Of a PersistentVolumeClaim, or of the template for one. */
export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: Path): FieldError[] {
  const modesPath = path.child('accessModes');
  return [
    ...(spec.accessModes?.length ? [] : [required(modesPath, 'at least 1 access mode is required')]),
    ...validateLabelSelector(spec.selector, path.child('selector')),
    ...validateAccessModes(spec.accessModes, modesPath),
    ...validateStorage(spec, path.child('resources').key('storage')),
    ...validateClassName(spec.storageClassName, path.child('storageClassName')),
    ...optionalChoice(spec.volumeMode, volumeModes, path.child('volumeMode')),
    ...validateDataSources(spec, path),
    ...validateClassName(spec.volumeAttributesClassName, path.child('volumeAttributesClassName')),
  ];
}

/** What of it is taken and not as it reads: bytes come whole. */
export function claimSpecWarnings({ resources }: PersistentVolumeClaimSpec, path: Path): string[] {
  return (['requests', 'limits'] as const).flatMap((field) => {
    const value = resources?.[field]?.storage;
    if (value === undefined || quantityMilliValue(parseQuantity(value)) % 1000 === 0) return [];
    const at = path.child('resources', field).key('storage');
    return [`${at.toString()}: fractional byte value ${quote(value)} is invalid, must be an integer`];
  });
}

export function validateAccessModes(modes: readonly string[] = [], path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const mode of modes)
    if (!accessModes.includes(mode)) errors.push(notSupported(path, mode, accessModes));
  const others = modes.filter((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode));
  if (modes.includes('ReadWriteOncePod') && others.length > 0) {
    errors.push(fieldForbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  }
  return errors;
}

function validateStorage({ resources }: PersistentVolumeClaimSpec, path: Path): FieldError[] {
  const storage = resources?.requests?.storage;
  if (storage === undefined) return [required(path)];
  const errors = positiveQuantity(storage, path);
  return errors.length > 0 ? errors : validateResourceAmount('storage', storage, path);
}

function validateClassName(name: string | undefined, path: Path): FieldError[] {
  return name ? matches(dns1123Subdomain, name, path) : [];
}

function validateDataSources(spec: PersistentVolumeClaimSpec, path: Path): FieldError[] {
  const { dataSource, dataSourceRef } = spec;
  const errors: FieldError[] = [];
  for (const [field, source] of Object.entries({ dataSource, dataSourceRef })) {
    if (!source) continue;
    const at = path.child(field);
    const { apiGroup, kind, name } = source;
    errors.push(...filled(name, at.child('name')), ...filled(kind, at.child('kind')));
    if (!apiGroup && kind !== 'PersistentVolumeClaim') {
      const detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
      errors.push(invalidValue(at, kind, detail));
    }
    if (apiGroup) errors.push(...matches(dns1123Subdomain, apiGroup, at.child('apiGroup')));
  }
  const namespace = dataSourceRef?.namespace;
  if (namespace) {
    errors.push(...matches(dns1123Label, namespace, path.child('dataSourceRef', 'namespace')));
    if (dataSource) {
      const detail = 'may not be specified when dataSourceRef.namespace is specified';
      errors.push(invalidValue(path, path.child('dataSource').toString(), detail));
    }
  } else if (dataSource && dataSourceRef && !sameValue(dataSource, dataSourceRef)) {
    errors.push(invalidValue(path, path.child('dataSource').toString(), 'must match dataSourceRef'));
  }
  return errors;
}
