import type {
  ClusterTrustBundleProjection,
  PodCertificateProjection,
  ProjectedVolumeSource,
  VolumeProjection,
} from '../../../gen/types.ts';
import { fileMode, filled, optionalChoice, volumePath } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, invalidValue, required } from '../../../validate/field-error.ts';
import { dns1123Subdomain } from '../../../validate/formats.ts';
import { validateLabelSelector } from '../../../validate/labels.ts';
import type { Path } from '../../../validate/path.ts';
import { isKubernetesSigner, validateSignerName } from '../../../validate/signer.ts';
import { validateUserAnnotations } from '../../../validate/user-annotations.ts';
import { validateDownwardFile, validateItems } from './volume-files.ts';

const tokenMinSeconds = 600;
const tokenMaxSeconds = 2 ** 32;

export function validateProjected(
  { defaultMode, sources = [] }: ProjectedVolumeSource,
  path: Path,
): FieldError[] {
  const errors = fileMode(defaultMode, path.child('defaultMode'));
  const taken = new Set<string>();
  const claim = (target: string | undefined, shown = target) => {
    if (!target) return;
    if (taken.has(target)) errors.push(invalidValue(path, shown, 'conflicting duplicate paths'));
    taken.add(target);
  };
  for (const [index, source] of sources.entries()) {
    const at = path.child('sources').index(index);
    errors.push(...validateProjection(source, path, at));
    for (const { path: target } of source.secret?.items ?? []) claim(target, source.secret?.name ?? '');
    for (const { path: target } of source.configMap?.items ?? []) claim(target, source.configMap?.name ?? '');
    for (const { path: target } of source.downwardAPI?.items ?? []) claim(target);
    claim(source.clusterTrustBundle?.path);
    claim(source.podCertificate?.credentialBundlePath);
    claim(source.podCertificate?.keyPath);
    claim(source.podCertificate?.certificateChainPath);
    if (Object.keys(source).length > 1) {
      errors.push(fieldForbidden(at, 'may not specify more than 1 volume type per source'));
    }
  }
  return errors;
}

function validateProjection(source: VolumeProjection, volume: Path, path: Path): FieldError[] {
  const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
  const errors: FieldError[] = [];
  for (const [kind, named] of Object.entries({ secret, configMap })) {
    if (!named) continue;
    errors.push(...filled(named.name, path.child(kind, 'name')));
    errors.push(...validateItems(named.items, path.child(kind, 'items')));
  }
  for (const file of downwardAPI?.items ?? [])
    errors.push(...validateDownwardFile(file, path.child('downwardAPI')));
  if (serviceAccountToken) {
    const { expirationSeconds = 0, path: target } = serviceAccountToken;
    const at = path.child('serviceAccountToken', 'expirationSeconds');
    if (expirationSeconds < tokenMinSeconds) {
      errors.push(invalidValue(at, expirationSeconds, 'may not specify a duration less than 10 minutes'));
    }
    if (expirationSeconds > tokenMaxSeconds) {
      errors.push(invalidValue(at, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'));
    }
    errors.push(...(target ? volumePath(target, volume.child('path')) : [required(volume.child('path'))]));
  }
  if (clusterTrustBundle)
    errors.push(...validateTrustBundle(clusterTrustBundle, path.child('clusterTrustBundle')));
  if (podCertificate) errors.push(...validatePodCertificate(podCertificate, path.child('podCertificate')));
  return errors;
}

function validateTrustBundle(bundle: ClusterTrustBundleProjection, path: Path): FieldError[] {
  const { name, signerName, labelSelector, path: target } = bundle;
  const errors: FieldError[] = [];
  if (name !== undefined && signerName !== undefined) {
    errors.push(invalidValue(path, bundle, 'only one of name and signerName may be used'));
  } else if (name !== undefined) {
    errors.push(...filled(name, path.child('name'), 'must be a valid object name'));
    const own = name.includes(':') ? name.slice(name.lastIndexOf(':') + 1) : name;
    for (const message of dns1123Subdomain(own)) {
      errors.push(invalidValue(path.child('name'), name, `not a valid clustertrustbundlename: ${message}`));
    }
    if (labelSelector) {
      const detail = 'labelSelector must be unset if name is specified';
      errors.push(invalidValue(path.child('labelSelector'), labelSelector, detail));
    }
  } else if (signerName !== undefined) {
    errors.push(...filled(signerName, path.child('signerName'), 'must be a valid signer name'));
    errors.push(...validateSignerName(signerName, path.child('signerName')));
    errors.push(...validateLabelSelector(labelSelector, path.child('labelSelector')));
  } else errors.push(required(path, 'either name or signerName must be specified'));
  errors.push(...filled(target, path.child('path')));
  return [...errors, ...volumePath(target, path.child('path'))];
}

const keyTypes = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];
const certificateMinSeconds = 3600;
const certificateMaxSeconds = 91 * 86_400;
const kubernetesCertificateMaxSeconds = 86_400;

function validatePodCertificate(certificate: PodCertificateProjection, path: Path): FieldError[] {
  const { signerName, keyType, maxExpirationSeconds, userAnnotations } = certificate;
  const errors = validateSignerName(signerName, path.child('signerName'));
  errors.push(...optionalChoice(keyType, keyTypes, path.child('keyType')));
  errors.push(...validateUserAnnotations(userAnnotations, path.child('userAnnotations')));
  if (maxExpirationSeconds !== undefined) {
    const at = path.child('maxExpirationSeconds');
    const max = isKubernetesSigner(signerName) ? kubernetesCertificateMaxSeconds : certificateMaxSeconds;
    const bound = maxExpirationSeconds < certificateMinSeconds ? `>= ${certificateMinSeconds}` : `<= ${max}`;
    if (maxExpirationSeconds < certificateMinSeconds || maxExpirationSeconds > max) {
      errors.push(
        invalidValue(at, maxExpirationSeconds, `if provided, maxExpirationSeconds must be ${bound}`),
      );
    }
  }
  const fields = ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const;
  for (const field of fields) {
    const target = certificate[field];
    if (target) errors.push(...volumePath(target, path.child(field)));
  }
  if (fields.every((field) => !certificate[field])) {
    const detail = 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath';
    errors.push(required(path, detail));
  }
  return errors;
}
