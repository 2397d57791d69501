import type {
  HostPathVolumeSource,
  ObjectMeta,
  PersistentVolumeClaimTemplate,
  Volume,
} from '../../../gen/types.ts';
import { compareQuantities, parseQuantity, zero } from '../../../quantity/index.ts';
import {
  descendingPath,
  fileMode,
  filled,
  matches,
  noBacksteps,
  optionalChoice,
  requiredChoice,
  requiredMatch,
} from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { duplicate, fieldForbidden, invalidValue, required } from '../../../validate/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../../../validate/formats.ts';
import { validateLabels } from '../../../validate/labels.ts';
import { validateAnnotations } from '../../../validate/object-meta.ts';
import type { Path } from '../../../validate/path.ts';
import { quote } from '../../../validate/quote.ts';
import { validateClaimSpec } from '../../claim-spec.ts';
import { validateDriverName } from '../../driver-name.ts';
import type { Volumes } from './mounts.ts';
import { validateProjected } from './projected.ts';
import { validateDownwardFile, validateItems } from './volume-files.ts';

/** Those that are valid can be mounted; a mount of any other is one error more. */
export function validateVolumes(
  volumes: readonly Volume[],
  meta: ObjectMeta | undefined,
  path: Path,
): { valid: Volumes; errors: FieldError[] } {
  const valid = new Map<string, Volume>();
  const errors: FieldError[] = [];
  const created = new Set(
    meta?.name ? volumes.filter(({ ephemeral }) => ephemeral).map(({ name }) => `${meta.name}-${name}`) : [],
  );
  for (const [index, volume] of volumes.entries()) {
    const at = path.index(index);
    const found = [
      ...validateSource(volume, meta, at),
      ...requiredMatch(dns1123Label, volume.name, at.child('name')),
    ];
    if (valid.has(volume.name)) found.push(duplicate(at.child('name'), volume.name));
    if (found.length === 0) valid.set(volume.name, volume);
    errors.push(...found);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim && created.has(claim)) {
      const detail = 'must not reference a PVC that gets created for an ephemeral volume';
      errors.push(invalidValue(at.child('persistentVolumeClaim', 'claimName'), claim, detail));
    }
  }
  return { valid, errors };
}

/** Fields that must be filled in, of the kinds of volume that no other rule is kept for. */
const requiredFields: Partial<Record<keyof Volume, readonly string[]>> = {
  gcePersistentDisk: ['pdName'],
  awsElasticBlockStore: ['volumeID'],
  nfs: ['server', 'path'],
  iscsi: ['targetPortal', 'iqn'],
  glusterfs: ['endpoints', 'path'],
  persistentVolumeClaim: ['claimName'],
  rbd: ['monitors', 'image'],
  cinder: ['volumeID'],
  cephfs: ['monitors'],
  quobyte: ['registry', 'volume'],
  azureFile: ['secretName', 'shareName'],
  azureDisk: ['diskName', 'diskURI'],
  vsphereVolume: ['volumePath'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  storageos: ['volumeName'],
  flexVolume: ['driver'],
};

function validateSource(volume: Volume, meta: ObjectMeta | undefined, path: Path): FieldError[] {
  const kinds = Object.keys(volume).filter((key) => key !== 'name') as (keyof Volume)[];
  const errors: FieldError[] = [];
  if (kinds.length === 0) return [required(path, 'must specify a volume type')];
  for (const [index, kind] of kinds.entries()) {
    if (index > 0) errors.push(fieldForbidden(path.child(kind), 'may not specify more than 1 volume type'));
    else errors.push(...validateKind(kind, volume, meta, path));
  }
  return errors;
}

function validateKind(
  kind: keyof Volume,
  volume: Volume,
  meta: ObjectMeta | undefined,
  path: Path,
): FieldError[] {
  const at = path.child(kind);
  const fields = volume[kind] as Record<string, unknown>;
  const missing = (requiredFields[kind] ?? [])
    .filter((field) => !fields[field] || (Array.isArray(fields[field]) && fields[field].length === 0))
    .map((field) => required(at.child(field)));
  return [...missing, ...validateDetails(volume, meta, at, path)];
}

function validateDetails(volume: Volume, meta: ObjectMeta | undefined, at: Path, path: Path): FieldError[] {
  const {
    emptyDir,
    hostPath,
    gitRepo,
    secret,
    configMap,
    downwardAPI,
    projected,
    nfs,
    csi,
    ephemeral,
    image,
    fc,
  } = volume;
  if (emptyDir?.sizeLimit && compareQuantities(parseQuantity(emptyDir.sizeLimit), zero) < 0) {
    return [fieldForbidden(at.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity')];
  }
  if (hostPath) return validateHostPath(hostPath, at);
  if (gitRepo) {
    return [
      ...filled(gitRepo.repository, at.child('repository')),
      ...descendingPath(gitRepo.directory ?? '', at.child('directory')),
    ];
  }
  if (secret) {
    return [
      ...filled(secret.secretName, at.child('secretName')),
      ...fileMode(secret.defaultMode, at.child('defaultMode')),
      ...validateItems(secret.items, at.child('items')),
    ];
  }
  if (configMap) {
    return [
      ...filled(configMap.name, at.child('name')),
      ...fileMode(configMap.defaultMode, at.child('defaultMode')),
      ...validateItems(configMap.items, at.child('items')),
    ];
  }
  if (downwardAPI) {
    return [
      ...fileMode(downwardAPI.defaultMode, at.child('defaultMode')),
      ...(downwardAPI.items ?? []).flatMap((file) => validateDownwardFile(file, at)),
    ];
  }
  if (projected) return validateProjected(projected, at);
  if (nfs?.path && !nfs.path.startsWith('/')) {
    return [invalidValue(at.child('path'), nfs.path, 'must be an absolute path')];
  }
  if (csi) {
    const secretName = csi.nodePublishSecretRef?.name;
    const errors = validateDriverName(csi.driver, at.child('driver'));
    if (!csi.nodePublishSecretRef) return errors;
    if (!secretName) return [...errors, required(at.child('nodePublishSecretRef', 'name'))];
    return [...errors, ...matches(dns1123Subdomain, secretName, at.child('name'))];
  }
  if (ephemeral) return validateEphemeral(volume, meta, at, path);
  if (image) {
    const policies = ['Always', 'IfNotPresent', 'Never'];
    const errors = meta ? filled(image.reference, at.child('reference')) : [];
    return [...errors, ...requiredChoice(image.pullPolicy, policies, at.child('pullPolicy'))];
  }
  if (fc) {
    const hasTarget = (fc.targetWWNs?.length ?? 0) > 0;
    const hasWwids = (fc.wwids?.length ?? 0) > 0;
    if (!hasTarget && !hasWwids)
      return [required(at.child('targetWWNs'), 'must specify either targetWWNs or wwids, but not both')];
    if (hasTarget && hasWwids) {
      return [
        invalidValue(
          at.child('targetWWNs'),
          fc.targetWWNs,
          'targetWWNs and wwids can not be specified simultaneously',
        ),
      ];
    }
    if (hasTarget && fc.lun === undefined)
      return [required(at.child('lun'), 'lun is required if targetWWNs is specified')];
  }
  return [];
}

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

export function validateHostPath({ path: target, type }: HostPathVolumeSource, path: Path): FieldError[] {
  if (!target) return [required(path.child('path'))];
  return [
    ...noBacksteps(target, path.child('path')),
    ...optionalChoice(type, hostPathTypes, path.child('type')),
  ];
}

function validateEphemeral(volume: Volume, meta: ObjectMeta | undefined, at: Path, path: Path): FieldError[] {
  const template = volume.ephemeral?.volumeClaimTemplate;
  const templatePath = at.child('volumeClaimTemplate');
  const errors = template ? validateClaimTemplate(template, templatePath) : [required(templatePath)];
  if (!meta?.name) return errors;
  const claim = `${meta.name}-${volume.name}`;
  for (const message of dns1123Subdomain(claim)) {
    errors.push(invalidValue(path.child('name'), volume.name, `PVC name ${quote(claim)}: ${message}`));
  }
  return errors;
}

function validateClaimTemplate({ metadata, spec }: PersistentVolumeClaimTemplate, path: Path): FieldError[] {
  const metaPath = path.child('metadata');
  const others = Object.keys(metadata ?? {}).filter((field) => field !== 'annotations' && field !== 'labels');
  return [
    ...validateAnnotations(metadata?.annotations, metaPath.child('annotations')),
    ...validateLabels(metadata?.labels, metaPath.child('labels')),
    ...others.map((field) => fieldForbidden(metaPath.child(field), 'cannot be set')),
    ...validateClaimSpec(spec, path.child('spec')),
  ];
}
