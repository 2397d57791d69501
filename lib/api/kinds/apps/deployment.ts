import type { Deployment, DeploymentStrategy } from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import {
  immutable,
  nonnegative,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../../validate/object-meta.ts';
import { atMostAll, isZero, validateIntOrPercent } from '../int-or-percent.ts';
import { applyTemplateDefaults } from '../core/pod/template.ts';
import { podWarnings } from '../core/pod/warnings.ts';
import { hostnameWarning } from '../hostname-warning.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import {
  specPath,
  validateCollisionCount,
  validateCounts,
  validateOwnTemplate,
  validateSelector,
} from '../workload.ts';

const counts = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'terminatingReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'collisionCount',
] as const;

export const deploymentRules = rules<Deployment>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults({ spec }) {
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type ||= 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
      spec.strategy.rollingUpdate.maxSurge ??= '25%';
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    applyTemplateDefaults(spec.template);
  },

  prepareForCreate(deployment) {
    deployment.status = {};
  },

  prepareForUpdate: keepStatus,

  validateCreate: (deployment) => [
    ...validateObjectMeta(deployment.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateSpec(deployment),
  ],

  validateUpdate: (deployment, old) => [
    ...validateObjectMetaUpdate(deployment.metadata, old.metadata),
    ...validateSpec(deployment),
    ...immutable(deployment.spec.selector, old.spec.selector, specPath.child('selector')),
  ],

  prepareForStatusUpdate(deployment, old) {
    keepSpec(deployment, old);
    deployment.metadata.labels = old.metadata.labels;
  },
  statusResets: { 'f:spec': {}, 'f:metadata': { 'f:labels': {} } },

  validateStatusUpdate: (deployment, old) => [
    ...validateObjectMetaUpdate(deployment.metadata, old.metadata),
    ...validateCounts(deployment.status ?? {}, counts, [
      'updatedReplicas',
      'readyReplicas',
      'availableReplicas',
    ]),
    ...validateCollisionCount(deployment.status?.collisionCount, old.status?.collisionCount),
  ],

  // Annotations go over to ReplicaSets, so that a new one is work for the controller too.
  warnings: (deployment, old) => [
    ...(old ? [] : hostnameWarning(deployment.metadata.name)),
    ...(old && sameValue(deployment.spec, old.spec)
      ? []
      : podWarnings(deployment.spec.template, specPath.child('template'))),
  ],

  generationChanged: (deployment, old) =>
    !sameValue(deployment.spec, old.spec) ||
    !sameValue(deployment.metadata.annotations, old.metadata.annotations),
});

function validateSpec({ spec }: Deployment): FieldError[] {
  const { minReadySeconds = 0, progressDeadlineSeconds } = spec;
  const errors = [
    ...nonnegative(spec.replicas, specPath.child('replicas')),
    ...validateSelector(spec.selector, 'deployment'),
    ...validateOwnTemplate(spec.template, spec.selector, 'ReplicaSet'),
    ...validateStrategy(spec.strategy ?? {}),
    ...nonnegative(minReadySeconds, specPath.child('minReadySeconds')),
    ...nonnegative(spec.revisionHistoryLimit, specPath.child('revisionHistoryLimit')),
  ];
  if (progressDeadlineSeconds === undefined) return errors;
  const at = specPath.child('progressDeadlineSeconds');
  errors.push(...nonnegative(progressDeadlineSeconds, at));
  if (progressDeadlineSeconds <= minReadySeconds) {
    errors.push(invalidValue(at, progressDeadlineSeconds, 'must be greater than minReadySeconds'));
  }
  return errors;
}

function validateStrategy(strategy: DeploymentStrategy): FieldError[] {
  const path = specPath.child('strategy');
  const at = path.child('rollingUpdate');
  const { type, rollingUpdate } = strategy;
  if (type === 'Recreate') {
    if (!rollingUpdate) return [];
    return [fieldForbidden(at, "may not be specified when strategy `type` is 'Recreate'")];
  }
  if (type !== 'RollingUpdate') return [notSupported(path, strategy, ['Recreate', 'RollingUpdate'])];
  if (!rollingUpdate) return [required(at, 'this should be defaulted and never be nil')];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const errors = [
    ...validateIntOrPercent(maxUnavailable, at.child('maxUnavailable')),
    ...validateIntOrPercent(maxSurge, at.child('maxSurge')),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(
      invalidValue(at.child('maxUnavailable'), maxUnavailable, 'may not be 0 when `maxSurge` is 0'),
    );
  }
  return [...errors, ...atMostAll(maxUnavailable, at.child('maxUnavailable'))];
}
