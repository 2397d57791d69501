import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../../gen/types.ts';
import { optionalChoice } from '../../validate/check.ts';
import { validateConditions } from '../../validate/conditions.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue } from '../../validate/field-error.ts';
import { nameIsPathSegment } from '../../validate/formats.ts';
import { validateLabelSelector } from '../../validate/labels.ts';
import { nonnegative, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { atMostAll, validateIntOrPercent } from '../int-or-percent.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { specPath } from '../workload.ts';

const counts = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;

export const podDisruptionBudgetRules = rules<PodDisruptionBudget>({
  namespaced: true,

  applyDefaults() {},

  prepareForCreate(budget) {
    budget.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },

  prepareForUpdate: keepStatus,

  validateCreate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsPathSegment }),
    ...validateSpec(spec),
  ],

  validateUpdate: ({ metadata, spec }, old) => [
    ...validateObjectMetaUpdate(metadata, old.metadata),
    ...validateSpec(spec),
  ],

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate({ metadata, status }, old) {
    const path = Path.of('status');
    return [
      ...validateObjectMetaUpdate(metadata, old.metadata),
      ...validateConditions(status?.conditions ?? [], path.child('conditions')),
      ...counts.flatMap((field) => nonnegative(status?.[field], path.child(field))),
    ];
  },

  generationChanged: (budget, old) => !sameValue(budget.spec, old.spec),
});

function validateSpec(spec: PodDisruptionBudgetSpec): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(invalidValue(specPath, spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    const at = specPath.child(field);
    if (spec[field] === undefined) continue;
    errors.push(...validateIntOrPercent(spec[field], at), ...atMostAll(spec[field], at));
  }
  return [
    ...errors,
    ...validateLabelSelector(selector, specPath.child('selector')),
    ...optionalChoice(
      unhealthyPodEvictionPolicy,
      ['AlwaysAllow', 'IfHealthyBudget'],
      specPath.child('unhealthyPodEvictionPolicy'),
    ),
  ];
}
