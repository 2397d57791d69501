import type {
  DaemonSet,
  DaemonSetSpec,
  DaemonSetUpdateStrategy,
  LabelSelector,
  RollingUpdateDaemonSet,
} from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { isEmptySelector, validateLabelSelector } from '../../validate/labels.ts';
import {
  immutable,
  nonnegative,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { applyTemplateDefaults } from '../core/pod/template.ts';
import { atMostAll, isZero, validateIntOrPercent } from '../int-or-percent.ts';
import { podWarnings } from '../core/pod/warnings.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { specPath, validateCollisionCount, validateOwnTemplate } from '../workload.ts';

/** Counts the template's changes. A field before apps/v1; old clients still read it. */
const templateGeneration = 'deprecated.daemonset.template.generation';

const counts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
] as const;

export const daemonSetRules = rules<DaemonSet>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults({ metadata, spec }) {
    metadata.annotations = { [templateGeneration]: '0', ...metadata.annotations };
    spec.updateStrategy ??= {};
    const { updateStrategy } = spec;
    updateStrategy.type ||= 'RollingUpdate';
    if (updateStrategy.type === 'RollingUpdate') {
      updateStrategy.rollingUpdate ??= {};
      updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    applyTemplateDefaults(spec.template);
  },

  prepareForCreate(set) {
    set.status = {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    };
    setTemplateGeneration(set, Math.max(1, templateGenerationOf(set)));
  },

  prepareForUpdate(set, old) {
    keepStatus(set, old);
    const isChanged = !sameValue(set.spec.template, old.spec.template);
    setTemplateGeneration(set, templateGenerationOf(old) + (isChanged ? 1 : 0));
  },

  validateCreate: (set) => [
    ...validateObjectMeta(set.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateSpec(set.spec),
  ],

  validateUpdate: (set, old) => [
    ...validateObjectMetaUpdate(set.metadata, old.metadata),
    ...immutable(set.spec.selector, old.spec.selector, specPath.child('selector')),
    ...validateSpec(set.spec),
  ],

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate(set, old) {
    const path = Path.of('status');
    return [
      ...validateObjectMetaUpdate(set.metadata, old.metadata),
      ...counts.flatMap((field) => nonnegative(set.status?.[field], path.child(field))),
      ...validateCollisionCount(set.status?.collisionCount, old.status?.collisionCount),
    ];
  },

  warnings: (set, old) => [
    ...(old && sameValue(set.spec, old.spec)
      ? []
      : podWarnings(set.spec.template, specPath.child('template'))),
  ],

  generationChanged: (set, old) => !sameValue(set.spec, old.spec),
});

function templateGenerationOf({ metadata }: DaemonSet): number {
  const text = metadata.annotations?.[templateGeneration] ?? '';
  return /^-?\d{1,15}$/.test(text) ? Number(text) : 0;
}

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

function validateSpec(spec: DaemonSetSpec): FieldError[] {
  const path = specPath.child('selector');
  const errors = validateLabelSelector(spec.selector, path);
  // It may be left out when an object is decoded, whatever its type says.
  const selector: LabelSelector | undefined = spec.selector;
  if (selector && isEmptySelector(selector)) {
    errors.push(invalidValue(path, spec.selector, 'empty selector is invalid for daemonset'));
  }
  return [
    ...errors,
    ...validateOwnTemplate(spec.template, spec.selector, 'DaemonSet'),
    ...nonnegative(spec.minReadySeconds, specPath.child('minReadySeconds')),
    ...validateStrategy(spec.updateStrategy ?? {}),
    ...nonnegative(spec.revisionHistoryLimit, specPath.child('revisionHistoryLimit')),
  ];
}

function validateStrategy(strategy: DaemonSetUpdateStrategy): FieldError[] {
  const path = specPath.child('updateStrategy');
  const { type, rollingUpdate } = strategy;
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') return [notSupported(path, strategy, ['RollingUpdate', 'OnDelete'])];
  const at = path.child('rollingUpdate');
  return rollingUpdate ? validateRollingUpdate(rollingUpdate, at) : [required(at)];
}

function validateRollingUpdate(
  { maxUnavailable, maxSurge }: RollingUpdateDaemonSet,
  path: Path,
): FieldError[] {
  const unavailablePath = path.child('maxUnavailable');
  const surgePath = path.child('maxSurge');
  const errors = [
    ...validateIntOrPercent(maxUnavailable, unavailablePath),
    ...validateIntOrPercent(maxSurge, surgePath),
    ...atMostAll(maxUnavailable, unavailablePath),
    ...atMostAll(maxSurge, surgePath),
  ];
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    errors.push(invalidValue(surgePath, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  }
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(required(unavailablePath, 'cannot be 0 when maxSurge is 0'));
  }
  return errors;
}
