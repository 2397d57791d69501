/** The specification of a PersistentVolume, also where it stands inside of a VolumeAttachment. */
import { posix } from 'node:path';
import type { PersistentVolumeSpec, VolumeNodeAffinity } from '../../../gen/types.ts';
import { matches, optionalChoice } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, notSupported, required } from '../../../validate/field-error.ts';
import { dns1123Subdomain } from '../../../validate/formats.ts';
import { own } from '../../../validate/own.ts';
import type { Path } from '../../../validate/path.ts';
import { basicResource, positiveQuantity } from '../../../validate/resources.ts';
import { validateAccessModes, volumeModes } from '../../claim-spec.ts';
import { validateNodeSelector } from '../pod/affinity.ts';
import { validateVolumeSource } from './sources.ts';

const reclaimPolicies = ['Delete', 'Recycle', 'Retain'];

/** Of a volume with a name of its own. */
export function validateVolumeSpec(spec: PersistentVolumeSpec, name: string, path: Path): FieldError[] {
  const { capacity = {}, persistentVolumeReclaimPolicy: policy, nodeAffinity, storageClassName } = spec;
  const errors = modesOf(spec, path);
  const capacityPath = path.child('capacity');
  if (Object.keys(capacity).length === 0) errors.push(required(capacityPath));
  if (own(capacity, 'storage') === undefined || Object.keys(capacity).length > 1) {
    errors.push(notSupported(capacityPath, capacity, ['storage']));
  }
  for (const [resource, amount] of Object.entries(capacity)) {
    const at = capacityPath.key(resource);
    errors.push(...basicResource(amount, at), ...positiveQuantity(amount, at));
  }
  const policyPath = path.child('persistentVolumeReclaimPolicy');
  if (policy) errors.push(...optionalChoice(policy, reclaimPolicies, policyPath));
  if (nodeAffinity) errors.push(...validateVolumeAffinity(nodeAffinity, path.child('nodeAffinity')));
  errors.push(...validateVolumeSource(spec, name, path));
  if (spec.local && !nodeAffinity) {
    errors.push(required(path.child('nodeAffinity'), 'Local volume requires node affinity'));
  }
  if (policy === 'Recycle' && spec.hostPath && isRoot(spec.hostPath.path)) {
    errors.push(fieldForbidden(policyPath, "may not be 'recycle' for a hostPath mount of '/'"));
  }
  if (storageClassName) {
    errors.push(...matches(dns1123Subdomain, storageClassName, path.child('storageClassName')));
  }
  errors.push(...optionalChoice(spec.volumeMode, volumeModes, path.child('volumeMode')));
  return [...errors, ...validateAttributesClass(spec, path)];
}

/** Of a volume that a pod brings along, which only CSI migration makes. */
export function validateInlineVolumeSpec(spec: PersistentVolumeSpec, path: Path): FieldError[] {
  const context = 'in the context of inline volumes';
  const forbidden = (field: string) => fieldForbidden(path.child(field), `may not be specified ${context}`);
  const errors: FieldError[] = [];
  if (spec.claimRef) errors.push(forbidden('claimRef'));
  if (Object.keys(spec.capacity ?? {}).length > 0) errors.push(forbidden('capacity'));
  if (!spec.csi) errors.push(required(path.child('csi'), `has to be specified ${context}`));
  errors.push(...modesOf(spec, path));
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy && policy !== 'Retain') {
    const at = path.child('persistentVolumeReclaimPolicy');
    errors.push(fieldForbidden(at, `may only be Retain ${context}`));
  }
  if (spec.nodeAffinity) errors.push(forbidden('nodeAffinity'));
  errors.push(...validateVolumeSource(spec, '', path));
  if (spec.storageClassName) errors.push(forbidden('storageClassName'));
  if (spec.volumeMode !== undefined && spec.volumeMode !== 'Filesystem') {
    const detail = `may not specify volumeMode other than Filesystem ${context}`;
    errors.push(fieldForbidden(path.child('volumeMode'), detail));
  }
  return [...errors, ...validateAttributesClass(spec, path)];
}

function modesOf({ accessModes }: PersistentVolumeSpec, path: Path): FieldError[] {
  const at = path.child('accessModes');
  return [...(accessModes?.length ? [] : [required(at)]), ...validateAccessModes(accessModes, at)];
}

function validateVolumeAffinity(affinity: VolumeNodeAffinity, path: Path): FieldError[] {
  const at = path.child('required');
  if (!affinity.required) return [required(at, 'must specify required node constraints')];
  return validateNodeSelector(affinity.required, at);
}

function validateAttributesClass(spec: PersistentVolumeSpec, path: Path): FieldError[] {
  const { volumeAttributesClassName: name } = spec;
  if (name === undefined) return [];
  const at = path.child('volumeAttributesClassName');
  const errors =
    name === '' ? [required(at, 'an empty string is disallowed')] : matches(dns1123Subdomain, name, at);
  if (!spec.csi) {
    errors.push(required(path.child('csi'), 'has to be specified when using volumeAttributesClassName'));
  }
  return errors;
}

const isRoot = (path: string | undefined): boolean => path !== undefined && posix.normalize(path) === '/';
