import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../gen/types.ts';
import { compareQuantities, parseQuantity, zero } from '../../quantity/index.ts';
import { diffOf } from '../../validate/diff.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, notSupported, required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import {
  basicResource,
  validateClaimResourceName,
  validateResourceAmount,
} from '../../validate/resources.ts';
import { claimSpecWarnings, validateClaimSpec } from '../claim-spec.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { normalizeDataSources } from './claim-data-source.ts';
import { betaStorageClass, betaStorageClassWarning } from './storage-class-annotation.ts';

const specPath = Path.of('spec');
const statusPath = Path.of('status');
const storagePath = specPath.child('resources', 'requests', 'storage');
const resizeStatuses = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

export const persistentVolumeClaimRules = rules<PersistentVolumeClaim>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults(claim) {
    claim.spec.volumeMode ??= 'Filesystem';
    claim.status ??= {};
    claim.status.phase ||= 'Pending';
  },

  prepareForCreate(claim) {
    claim.status = { phase: 'Pending' };
    normalizeDataSources(claim.spec, undefined);
  },

  validateCreate: validate,

  prepareForUpdate(claim, old) {
    keepStatus(claim, old);
    normalizeDataSources(claim.spec, old.spec);
  },

  validateUpdate(claim, old) {
    const className = 'volumeAttributesClassName';
    const errors = [
      ...validateObjectMetaUpdate(claim.metadata, old.metadata),
      ...validate(claim),
      ...validateSpecUpdate(claim, old),
      ...immutable(claim.spec.volumeMode, old.spec.volumeMode, Path.of('volumeMode')),
    ];
    if (old.status?.currentVolumeAttributesClassName !== undefined && !claim.spec[className]) {
      const wanted = claim.spec[className] === undefined ? 'nil' : 'empty string';
      if (claim.spec[className] !== old.spec[className]) {
        const detail = `update to ${wanted} is forbidden when status.currentVolumeAttributesClassName is not nil`;
        errors.push(fieldForbidden(specPath.child(className), detail));
      }
    }
    return errors;
  },

  prepareForStatusUpdate: keepSpec,
  validateStatusUpdate,

  warnings(claim) {
    const { metadata, spec } = claim;
    return [...betaStorageClassWarning(metadata), ...claimSpecWarnings(spec, specPath)];
  },
});

function validate(claim: PersistentVolumeClaim): FieldError[] {
  return [
    ...validateObjectMeta(claim.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateClaimSpec(claim.spec, specPath),
  ];
}

/** A claim stands as it was made, so that quotas hold; a bound one may grow, and name another class of attributes. */
function validateSpecUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  const next: PersistentVolumeClaimSpec = { ...claim.spec };
  const before: PersistentVolumeClaimSpec = { ...old.spec };
  if (!before.volumeName) before.volumeName = next.volumeName;
  const annotation = old.metadata.annotations?.[betaStorageClass];
  const newAnnotation = claim.metadata.annotations?.[betaStorageClass];
  const isNewlyNamed = before.storageClassName === undefined && next.storageClassName !== undefined;
  const isFromAnnotation =
    isNewlyNamed &&
    annotation !== undefined &&
    next.storageClassName === annotation &&
    (newAnnotation ?? annotation) === annotation;
  if (isFromAnnotation) delete next.storageClassName;
  else {
    const path = Path.of('metadata', 'annotations', betaStorageClass);
    errors.push(...immutable(newAnnotation ?? '', annotation ?? '', path));
    if (isNewlyNamed && (annotation ?? next.storageClassName) === next.storageClassName) {
      before.storageClassName = next.storageClassName;
    }
  }
  if (claim.status?.phase === 'Bound') {
    if (next.resources?.requests) {
      const storage = before.resources?.requests?.storage;
      const requests = { ...next.resources.requests };
      delete requests.storage;
      next.resources = { ...next.resources, requests: { ...requests, ...(storage && { storage }) } };
    }
    before.volumeAttributesClassName = next.volumeAttributesClassName;
  }
  if (!sameValue(next, before)) {
    const detail =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    errors.push(fieldForbidden(specPath, `${detail}\n${diffOf(before, next)}`));
  }
  return [...errors, ...validateSize(claim, old)];
}

/** A claim that could not grow may be asked to grow less, but to no less than it has (KEP-1790). */
function validateSize(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const size = amount(claim.spec.resources?.requests?.storage);
  if (compareQuantities(size, amount(old.spec.resources?.requests?.storage)) >= 0) return [];
  if (compareQuantities(size, amount(old.status?.capacity?.storage)) > 0) return [];
  return [fieldForbidden(storagePath, 'field can not be less than status.capacity')];
}

const amount = (text: string | undefined) => (text === undefined ? zero : parseQuantity(text));

function validateStatusUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const { capacity, allocatedResourceStatuses, allocatedResources } = claim.status ?? {};
  const errors = validateObjectMetaUpdate(claim.metadata, old.metadata);
  if (!claim.metadata.resourceVersion) errors.push(required(Path.of('resourceVersion')));
  if (!claim.spec.accessModes?.length) errors.push(required(Path.of('Spec', 'accessModes')));
  for (const [name, value] of Object.entries(capacity ?? {})) {
    errors.push(...basicResource(value, statusPath.child('capacity').key(name)));
  }
  const statusesPath = statusPath.child('allocatedResourceStatuses');
  for (const [name, value] of Object.entries(allocatedResourceStatuses ?? {})) {
    errors.push(...validateClaimResourceName(name, statusesPath));
    if (!resizeStatuses.includes(value)) {
      errors.push(notSupported(statusesPath, name, resizeStatuses));
    }
  }
  const allocatedPath = statusPath.child('allocatedResources');
  for (const [name, value] of Object.entries(allocatedResources ?? {})) {
    const ofName = validateClaimResourceName(name, allocatedPath);
    const at = allocatedPath.key(name);
    const ofAmount = ofName.length > 0 ? ofName : basicResource(value, at);
    errors.push(...(ofAmount.length > 0 ? ofAmount : validateResourceAmount('storage', value, at)));
  }
  return errors;
}
