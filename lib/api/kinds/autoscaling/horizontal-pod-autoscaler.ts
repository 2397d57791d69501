import type {
  V2CrossVersionObjectReference,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerSpec,
  V2HPAScalingPolicy,
  V2HPAScalingRules,
} from '../../gen/types.ts';
import { compareQuantities, parseQuantity, zero } from '../../quantity/index.ts';
import { optionalChoice } from '../../validate/check.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { nonnegative, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { specPath } from '../workload.ts';
import { validateMetrics, validateReference } from './metrics.ts';

/** Of the processor time that pods ask for, in percent. */
const defaultUtilization = 80;
const periodSeconds = 15;
const maxPeriodSeconds = 1800;
const maxStabilizationSeconds = 3600;
const minReplicas = 1;

export const horizontalPodAutoscalerRules = rules<V2HorizontalPodAutoscaler>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults: applyAutoscalerDefaults,

  prepareForCreate(autoscaler) {
    autoscaler.status = { desiredReplicas: 0, currentMetrics: [] };
  },

  prepareForUpdate: keepStatus,

  validateCreate: validateAutoscaler,

  validateUpdate: validateAutoscalerUpdate,

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate: validateAutoscalerStatusUpdate,
});

export function applyAutoscalerDefaults({ spec }: V2HorizontalPodAutoscaler): void {
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) {
    const target = { type: 'Utilization', averageUtilization: defaultUtilization };
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  }
  const { behavior } = spec;
  if (!behavior) return;
  behavior.scaleUp = {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds },
      { type: 'Percent', value: 100, periodSeconds },
    ],
    ...given(behavior.scaleUp),
  };
  behavior.scaleDown = {
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodSeconds }],
    ...given(behavior.scaleDown),
  };
}

/** What is said of how to scale; an empty list of policies is a list, which validation refuses. */
function given(rulesGiven: V2HPAScalingRules | undefined): V2HPAScalingRules {
  return Object.fromEntries(Object.entries(rulesGiven ?? {}).filter(([, value]) => value !== undefined));
}

export function validateAutoscaler({ metadata, spec }: V2HorizontalPodAutoscaler): FieldError[] {
  return [
    ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateSpec(spec, undefined),
  ];
}

export function validateAutoscalerUpdate(
  { metadata, spec }: V2HorizontalPodAutoscaler,
  old: V2HorizontalPodAutoscaler,
): FieldError[] {
  return [...validateObjectMetaUpdate(metadata, old.metadata), ...validateSpec(spec, old.spec)];
}

export function validateAutoscalerStatusUpdate(
  { metadata, status }: V2HorizontalPodAutoscaler,
  old: V2HorizontalPodAutoscaler,
): FieldError[] {
  const path = Path.of('status');
  return [
    ...validateObjectMetaUpdate(metadata, old.metadata),
    ...nonnegative(status?.currentReplicas, path.child('currentReplicas')),
    ...nonnegative(status?.desiredReplicas, path.child('desiredReplicas')),
  ];
}

function validateSpec(
  spec: V2HorizontalPodAutoscalerSpec,
  old: V2HorizontalPodAutoscalerSpec | undefined,
): FieldError[] {
  const { maxReplicas } = spec;
  const at = specPath.child('maxReplicas');
  // What an older server let in may stay.
  const lowest = old?.minReplicas === 0 ? 0 : minReplicas;
  const errors: FieldError[] = [];
  if (spec.minReplicas !== undefined && spec.minReplicas < lowest) {
    const detail = `must be greater than or equal to ${lowest}`;
    errors.push(invalidValue(specPath.child('minReplicas'), spec.minReplicas, detail));
  }
  if (maxReplicas < 1) errors.push(invalidValue(at, maxReplicas, 'must be greater than 0'));
  if (spec.minReplicas !== undefined && maxReplicas < spec.minReplicas) {
    errors.push(invalidValue(at, maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  const target = spec.scaleTargetRef;
  errors.push(
    ...validateReference(target, specPath.child('scaleTargetRef'), needsGroup(target, old?.scaleTargetRef)),
    ...validateMetrics(spec.metrics ?? [], specPath.child('metrics'), spec.minReplicas),
  );
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    const scaling = spec.behavior?.[direction];
    if (scaling) errors.push(...validateScaling(scaling, specPath.child('behavior', direction)));
  }
  return errors;
}

/** ReplicationControllers are all that the core group has to scale. */
function needsGroup(
  target: V2CrossVersionObjectReference,
  old: V2CrossVersionObjectReference | undefined,
): boolean {
  if (target.kind === 'ReplicationController') return false;
  return old === undefined || /^[^/]+\/[^/]*$/.test(old.apiVersion ?? '');
}

function validateScaling(scaling: V2HPAScalingRules, path: Path): FieldError[] {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = scaling;
  const at = path.child('stabilizationWindowSeconds');
  const errors: FieldError[] = [];
  if (window !== undefined && window < 0) {
    errors.push(invalidValue(at, window, 'must be greater than or equal to zero'));
  }
  if (window !== undefined && window > maxStabilizationSeconds) {
    errors.push(invalidValue(at, window, `must be less than or equal to ${maxStabilizationSeconds}`));
  }
  errors.push(...optionalChoice(selectPolicy, ['Disabled', 'Max', 'Min'], path.child('selectPolicy')));
  const list = path.child('policies');
  if (policies.length === 0) errors.push(required(list, 'must specify at least one Policy'));
  for (const [index, policy] of policies.entries()) errors.push(...validatePolicy(policy, list.index(index)));
  if (tolerance !== undefined && compareQuantities(parseQuantity(tolerance), zero) < 0) {
    errors.push(invalidValue(path.child('tolerance'), tolerance, 'must be greater than or equal to 0'));
  }
  return errors;
}

function validatePolicy(
  { type, value, periodSeconds: period }: V2HPAScalingPolicy,
  path: Path,
): FieldError[] {
  const supported = ['Percent', 'Pods'];
  const at = path.child('periodSeconds');
  const errors = supported.includes(type) ? [] : [notSupported(path.child('type'), type, supported)];
  if (value <= 0) errors.push(invalidValue(path.child('value'), value, 'must be greater than zero'));
  if (period <= 0) errors.push(invalidValue(at, period, 'must be greater than zero'));
  if (period > maxPeriodSeconds) {
    errors.push(invalidValue(at, period, `must be less than or equal to ${maxPeriodSeconds}`));
  }
  return errors;
}
