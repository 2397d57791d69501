import type {
  PersistentVolumeClaim,
  PodTemplateSpec,
  RollingUpdateStatefulSetStrategy,
  StatefulSet,
  StatefulSetSpec,
  StatefulSetUpdateStrategy,
} from '../../gen/types.ts';
import { matchesLabels, selectorFromObject } from '../../selectors/index.ts';
import { matches } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { dns1123Label, nameIsSubdomain } from '../../validate/formats.ts';
import { isEmptySelector, validateLabels, validateLabelSelector } from '../../validate/labels.ts';
import {
  nonnegative,
  validateAnnotations,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { claimSpecWarnings, validateClaimSpec } from '../claim-spec.ts';
import { validatePodAnnotations } from '../core/pod/annotations.ts';
import { applyTemplateDefaults, validatePodTemplate } from '../core/pod/template.ts';
import { podWarnings } from '../core/pod/warnings.ts';
import { atMostAll, isZero, validateIntOrPercent } from '../int-or-percent.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { specPath, validateCollisionCount, validateCounts } from '../workload.ts';

const counts = [
  'replicas',
  'readyReplicas',
  'currentReplicas',
  'updatedReplicas',
  'availableReplicas',
  'observedGeneration',
  'collisionCount',
] as const;
const parts = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;
const mutableFields = [
  'replicas',
  'template',
  'updateStrategy',
  'minReadySeconds',
  'ordinals',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
] as const;

export const statefulSetRules = rules<StatefulSet>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults({ spec }) {
    spec.podManagementPolicy ||= 'OrderedReady';
    spec.updateStrategy ??= {};
    const { updateStrategy } = spec;
    if (!updateStrategy.type) {
      updateStrategy.type = 'RollingUpdate';
      updateStrategy.rollingUpdate ??= {};
    }
    if (updateStrategy.type === 'RollingUpdate' && updateStrategy.rollingUpdate) {
      updateStrategy.rollingUpdate.partition ??= 0;
      updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    }
    const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
    retention.whenDeleted ||= 'Retain';
    retention.whenScaled ||= 'Retain';
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    applyTemplateDefaults(spec.template);
    spec.volumeClaimTemplates?.forEach(applyClaimDefaults);
  },

  prepareForCreate(set) {
    set.status = { replicas: 0, availableReplicas: 0 };
  },

  prepareForUpdate: keepStatus,

  validateCreate: (set) => [
    ...validateObjectMeta(set.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateSpec(set.spec, undefined),
  ],

  validateUpdate(set, old) {
    const errors = [
      ...validateObjectMetaUpdate(set.metadata, old.metadata),
      ...validateSpec(set.spec, old.spec),
    ];
    const unchanged = { ...set.spec, ...pick(old.spec, mutableFields) };
    if (!sameValue(unchanged, { ...old.spec })) {
      const detail =
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
      errors.push(fieldForbidden(specPath, detail));
    }
    return errors;
  },

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate(set, old) {
    const status = set.status ?? { replicas: 0 };
    return [
      ...validateCounts(status, counts, parts, 'status.readyReplicas'),
      ...validateObjectMetaUpdate(set.metadata, old.metadata),
      ...validateCollisionCount(status.collisionCount, old.status?.collisionCount),
    ];
  },

  warnings({ spec }, old) {
    const advice = 'a negative value retains all historical revisions; a value >= 0 is recommended';
    return [
      ...(old && sameValue(spec, old.spec) ? [] : podWarnings(spec.template, specPath.child('template'))),
      // The claim's own `spec` is not named, as upstream.
      ...(spec.volumeClaimTemplates ?? []).flatMap((claim, index) =>
        claimSpecWarnings(claim.spec ?? {}, specPath.child('volumeClaimTemplates').index(index)),
      ),
      ...((spec.revisionHistoryLimit ?? 0) < 0 ? [`spec.revisionHistoryLimit: ${advice}`] : []),
    ];
  },

  generationChanged: (set, old) => !sameValue(set.spec, old.spec),
});

function pick<T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}

/** As a claim of its own is defaulted; its type is written out so that lists of templates can be applied. */
function applyClaimDefaults(claim: PersistentVolumeClaim): void {
  claim.apiVersion ||= 'v1';
  claim.kind ||= 'PersistentVolumeClaim';
  claim.status ??= {};
  claim.status.phase ||= 'Pending';
  claim.spec ??= {};
  claim.spec.volumeMode ??= 'Filesystem';
}

/** An update tolerates what is there already: claims and the service's name cannot be changed any more. */
function validateSpec(spec: StatefulSetSpec, old: StatefulSetSpec | undefined): FieldError[] {
  const errors = [
    ...validateManagement(spec.podManagementPolicy),
    ...validateStrategy(spec.updateStrategy ?? {}),
    ...validateRetention(spec),
  ];
  if (!old) {
    const path = specPath.child('volumeClaimTemplates');
    for (const [index, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
      errors.push(...validateClaimSpec(claim.spec ?? {}, path.index(index).child('spec')));
    }
  }
  errors.push(...nonnegative(spec.replicas, specPath.child('replicas')));
  errors.push(...nonnegative(spec.minReadySeconds, specPath.child('minReadySeconds')));
  errors.push(...nonnegative(spec.ordinals?.start, specPath.child('ordinals.start')));
  if (!old && spec.serviceName) {
    errors.push(...matches(dns1123Label, spec.serviceName, specPath.child('serviceName')));
  }
  errors.push(...validateSelector(spec));
  return [...errors, ...validateTemplate(spec, old)];
}

function validateManagement(policy: string | undefined): FieldError[] {
  const path = specPath.child('podManagementPolicy');
  if (!policy) return [required(path)];
  if (policy === 'OrderedReady' || policy === 'Parallel') return [];
  return [invalidValue(path, policy, "must be 'OrderedReady' or 'Parallel'")];
}

function validateStrategy(strategy: StatefulSetUpdateStrategy): FieldError[] {
  const path = specPath.child('updateStrategy');
  const { type, rollingUpdate } = strategy;
  if (!type) return [required(path)];
  if (type === 'RollingUpdate') {
    return rollingUpdate ? validateRollingUpdate(rollingUpdate, path.child('rollingUpdate')) : [];
  }
  if (type !== 'OnDelete') return [invalidValue(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")];
  if (!rollingUpdate) return [];
  const detail = "only allowed for updateStrategy 'RollingUpdate'";
  return [invalidValue(path.child('rollingUpdate'), rollingUpdate, detail)];
}

function validateRollingUpdate(
  { partition, maxUnavailable }: RollingUpdateStatefulSetStrategy,
  path: Path,
): FieldError[] {
  const errors = nonnegative(partition, path.child('partition'));
  if (maxUnavailable === undefined) return errors;
  const at = path.child('maxUnavailable');
  errors.push(...validateIntOrPercent(maxUnavailable, at));
  if (isZero(maxUnavailable)) errors.push(invalidValue(at, maxUnavailable, 'cannot be 0'));
  return [...errors, ...atMostAll(maxUnavailable, at)];
}

function validateRetention({ persistentVolumeClaimRetentionPolicy: policy }: StatefulSetSpec): FieldError[] {
  if (!policy) return [];
  const supported = ['Retain', 'Delete'];
  return (['whenDeleted', 'whenScaled'] as const).flatMap((field) => {
    const value = policy[field] ?? '';
    const path = specPath.child('persistentVolumeClaimRetentionPolicy', field);
    return supported.includes(value) ? [] : [notSupported(path, value, supported)];
  });
}

function validateSelector({ selector }: StatefulSetSpec): FieldError[] {
  const path = specPath.child('selector');
  if (!selector) return [required(path)];
  const errors = validateLabelSelector(selector, path);
  if (isEmptySelector(selector)) {
    errors.push(invalidValue(path, selector, 'empty selector is invalid for statefulset'));
  }
  return errors;
}

function validateTemplate(spec: StatefulSetSpec, old: StatefulSetSpec | undefined): FieldError[] {
  const path = specPath.child('template');
  const { selector } = spec;
  const template = templateOfPods(spec);
  const { metadata } = template;
  const errors: FieldError[] = [];
  if (!selector || validateLabelSelector(selector, path).length === 0) {
    const isWrong = !matchesLabels(selectorFromObject(selector), metadata?.labels ?? {});
    const detail = '`selector` does not match template `labels`';
    if (isWrong)
      errors.push(invalidValue(path.child('metadata', 'labels'), metadata?.labels ?? null, detail));
  } else errors.push(invalidValue(specPath.child('selector'), selector, ''));
  // What older servers let in may stay as it is.
  const isTolerated = old && validatePodTemplate(templateOfPods(old), path).length > 0;
  if (!isTolerated) errors.push(...validatePodTemplate(template, path));
  errors.push(
    ...validateLabels(metadata?.labels, path.child('labels')),
    ...validateAnnotations(metadata?.annotations, path.child('annotations')),
    ...validatePodAnnotations(metadata?.annotations, template.spec, path.child('annotations')),
  );
  const { restartPolicy, activeDeadlineSeconds } = spec.template.spec;
  if (restartPolicy !== 'Always') {
    errors.push(notSupported(path.child('spec', 'restartPolicy'), restartPolicy, ['Always']));
  }
  if (activeDeadlineSeconds !== undefined) {
    const at = path.child('spec', 'activeDeadlineSeconds');
    errors.push(fieldForbidden(at, 'activeDeadlineSeconds in StatefulSet is not Supported'));
  }
  return errors;
}

/** The template with what the controller puts into each pod: names of its own, and claims for volumes. */
function templateOfPods({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  const { subdomain: _, hostname: __, ...spec } = template.spec;
  const claims = new Set(volumeClaimTemplates.map(({ metadata }) => metadata.name ?? ''));
  if (claims.size === 0) return { ...template, spec };
  const volumes = [
    ...[...claims].map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
    ...(spec.volumes ?? []).filter(({ name }) => !claims.has(name)),
  ];
  return { ...template, spec: { ...spec, volumes } };
}
