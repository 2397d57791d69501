import type { NodeSelector, PersistentVolume, VolumeNodeAffinity } from '../../../gen/types.ts';
import { rfc3339 } from '../../../../clock.ts';
import { diffOf } from '../../../validate/diff.ts';
import { sameValue } from '../../../validate/equal.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, invalidValue, required } from '../../../validate/field-error.ts';
import { nameIsSubdomain } from '../../../validate/formats.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../../validate/object-meta.ts';
import { own } from '../../../validate/own.ts';
import { Path } from '../../../validate/path.ts';
import { newNameOfNodeLabel, nodeSelectorWarnings } from '../../node-label-warnings.ts';
import { keepSpec, keepStatus, rules } from '../../rules.ts';
import { applyNetworkVolumeDefaults } from '../pod/defaults.ts';
import { betaStorageClassWarning } from '../storage-class-annotation.ts';
import { sourceOf } from './sources.ts';
import { validateVolumeSpec } from './spec.ts';

const specPath = Path.of('spec');
const mountOptions = 'volume.beta.kubernetes.io/mount-options';

export const persistentVolumeRules = rules<PersistentVolume>({
  namespaced: false,
  allowUnconditionalUpdate: true,

  applyDefaults(volume) {
    const { spec } = volume;
    volume.status ??= {};
    volume.status.phase ||= 'Pending';
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    if (spec.hostPath) spec.hostPath.type ??= '';
    applyNetworkVolumeDefaults(spec);
  },

  prepareForCreate(volume, { now }) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: rfc3339(now) };
  },

  validateCreate: validate,
  prepareForUpdate: keepStatus,
  validateUpdate,

  /** The time of the last change of phase, unless the client says another one (KEP-3762). */
  prepareForStatusUpdate(volume, old, { now }) {
    keepSpec(volume, old);
    volume.status ??= {};
    const { status } = volume;
    const before = old.status ?? {};
    if (status.phase === before.phase) {
      if (before.lastPhaseTransitionTime !== undefined) {
        status.lastPhaseTransitionTime ??= before.lastPhaseTransitionTime;
      }
    } else if (
      (status.lastPhaseTransitionTime ?? before.lastPhaseTransitionTime) === before.lastPhaseTransitionTime
    ) {
      status.lastPhaseTransitionTime = rfc3339(now);
    }
  },

  validateStatusUpdate: (volume, old) => [
    ...validateObjectMetaUpdate(volume.metadata, old.metadata),
    ...(volume.metadata.resourceVersion ? [] : [required(Path.of('resourceVersion'))]),
  ],

  warnings,
});

function validate(volume: PersistentVolume): FieldError[] {
  const { metadata, spec } = volume;
  return [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateVolumeSpec(spec, metadata.name ?? '', specPath),
    ...validateMountOptions(volume),
  ];
}

const withMountOptions = [
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'rbd',
  'quobyte',
  'iscsi',
  'cinder',
  'cephfs',
  'azureFile',
  'vsphereVolume',
  'azureDisk',
  'photonPersistentDisk',
  'nfs',
] as const;

function validateMountOptions({ metadata, spec }: PersistentVolume): FieldError[] {
  if (own(metadata.annotations, mountOptions) === undefined) return [];
  if (withMountOptions.some((source) => spec[source] !== undefined)) return [];
  const path = Path.of('metadata', 'annotations', mountOptions);
  return [fieldForbidden(path, 'may not specify mount options for this volume type')];
}

function validateUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors = validate(volume);
  const source = sourceOf(volume.spec);
  const before = sourceOf(old.spec);
  // A secret for expansion may be added later.
  if (source.csi && before.csi && !before.csi.controllerExpandSecretRef) {
    const { controllerExpandSecretRef: _, ...csi } = source.csi;
    source.csi = csi;
  }
  if (!sameValue(source, before)) {
    const detail = `spec.persistentvolumesource is immutable after creation\n${diffOf(before, source)}`;
    errors.push(fieldForbidden(specPath.child('persistentvolumesource'), detail));
  }
  errors.push(...immutable(volume.spec.volumeMode, old.spec.volumeMode, Path.of('volumeMode')));
  if (old.spec.nodeAffinity) errors.push(...sameAffinity(volume.spec.nodeAffinity, old.spec.nodeAffinity));
  if (
    old.spec.volumeAttributesClassName !== undefined &&
    volume.spec.volumeAttributesClassName === undefined
  ) {
    const path = specPath.child('volumeAttributesClassName');
    errors.push(fieldForbidden(path, 'update from non-nil value to nil is forbidden'));
  }
  return errors;
}

function sameAffinity(affinity: VolumeNodeAffinity | undefined, old: VolumeNodeAffinity): FieldError[] {
  const before = { ...old, ...(old.required && { required: renamed(old.required, affinity?.required) }) };
  if (sameValue(affinity, before)) return [];
  const detail = 'field is immutable, except for updating from beta label to GA';
  return [invalidValue(Path.of('nodeAffinity'), affinity ?? null, detail)];
}

/** The old selector with the labels renamed that the new one has by their new names. */
function renamed(old: NodeSelector, next: NodeSelector | undefined): NodeSelector {
  const nodeSelectorTerms = old.nodeSelectorTerms.map((term, index) => ({
    ...term,
    ...(term.matchExpressions && {
      matchExpressions: term.matchExpressions.map((requirement, at) => {
        const key = next?.nodeSelectorTerms[index]?.matchExpressions?.[at]?.key;
        return key !== undefined && newNameOfNodeLabel(requirement.key) === key
          ? { ...requirement, key }
          : requirement;
      }),
    }),
  }));
  return { ...old, nodeSelectorTerms };
}

const retired = [
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
] as const;

function warnings({ metadata, spec }: PersistentVolume): string[] {
  const found = betaStorageClassWarning(metadata);
  if (own(metadata.annotations, mountOptions) !== undefined) {
    const at = Path.of('metadata', 'annotations').key(mountOptions);
    found.push(`${at.toString()}: deprecated since v1.31; use "mountOptions" attribute instead`);
  }
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    found.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  }
  const affinity = specPath.child('nodeAffinity', 'required');
  found.push(...nodeSelectorWarnings(spec.nodeAffinity?.required, affinity));
  for (const [source, field, text] of retired) {
    if (spec[source]) found.push(`${specPath.child(field).toString()}: ${text}`);
  }
  return found;
}
