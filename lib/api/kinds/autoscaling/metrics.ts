/** The rules of what a HorizontalPodAutoscaler goes by (API reference of autoscaling/v2 MetricSpec). */
import type {
  V2ContainerResourceMetricSource,
  V2CrossVersionObjectReference,
  V2ExternalMetricSource,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricTarget,
  V2ObjectMetricSource,
  V2PodsMetricSource,
  V2ResourceMetricSource,
} from '../../gen/types.ts';
import { compareQuantities, parseQuantity, zero } from '../../quantity/index.ts';
import { matches, requiredMatch } from '../../validate/check.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { dns1123Label, pathSegment } from '../../validate/formats.ts';
import { validateLabelSelector } from '../../validate/labels.ts';
import type { Path } from '../../validate/path.ts';
import { validateContainerResourceName } from '../../validate/resources.ts';

const fieldOfType: Readonly<Record<string, keyof V2MetricSpec>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};
const types = Object.keys(fieldOfType);
/** In the order in which they are looked at: only the first that is there is checked. */
const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;

/** `wasInvalid`: references that older servers let in may stay without a group. */
export function validateMetrics(
  metrics: readonly V2MetricSpec[],
  path: Path,
  minReplicas: number | undefined,
): FieldError[] {
  const errors = metrics.flatMap((metric, index) => validateMetric(metric, path.index(index)));
  const canWake = metrics.some(({ type }) => type === 'Object' || type === 'External');
  if (minReplicas !== 0 || canWake) return errors;
  const detail = 'must specify at least one Object or External metric to support scaling to zero replicas';
  return [...errors, fieldForbidden(path, detail)];
}

function validateMetric(metric: V2MetricSpec, path: Path): FieldError[] {
  const { type } = metric;
  const typePath = path.child('type');
  const errors: FieldError[] = [];
  if (!type) errors.push(required(typePath, 'must specify a metric source type'));
  const expected = Object.hasOwn(fieldOfType, type) ? fieldOfType[type] : undefined;
  if (!expected) errors.push(notSupported(typePath, type, types));
  const present = sources.filter((source) => metric[source] !== undefined);
  if (present[0]) errors.push(...validateSource(metric, present[0], path.child(present[0])));
  if (!expected) errors.push(notSupported(typePath, type, types));
  else if (metric[expected] === undefined) {
    errors.push(required(path.child(expected), 'must populate information for the given metric source'));
  }
  if (present.length === 1) return errors;
  const others = present.filter((source) => source !== expected);
  const detail = 'must populate the given metric source only';
  return [...errors, ...others.map((source) => fieldForbidden(path.child(source), detail))];
}

function validateSource(metric: V2MetricSpec, source: (typeof sources)[number], path: Path): FieldError[] {
  switch (source) {
    case 'object':
      return metric.object ? validateObject(metric.object, path) : [];
    case 'external':
      return metric.external ? validateExternal(metric.external, path) : [];
    case 'pods':
      return metric.pods ? validatePods(metric.pods, path) : [];
    case 'resource':
      return metric.resource ? validateResource(metric.resource, path) : [];
    case 'containerResource':
      return metric.containerResource ? validateContainerResource(metric.containerResource, path) : [];
  }
}

function validateObject({ describedObject, metric, target }: V2ObjectMetricSource, path: Path): FieldError[] {
  const errors = [
    ...validateReference(describedObject, path.child('describedObject')),
    ...validateIdentifier(metric, path.child('metric')),
    ...validateTarget(target, path.child('target')),
  ];
  if (target.value !== undefined || target.averageValue !== undefined) return errors;
  const detail = 'must set either a target value or averageValue';
  return [...errors, required(path.child('target', 'averageValue'), detail)];
}

function validateExternal({ metric, target }: V2ExternalMetricSource, path: Path): FieldError[] {
  const { value, averageValue } = target;
  const errors = [
    ...validateIdentifier(metric, path.child('metric')),
    ...validateTarget(target, path.child('target')),
  ];
  if (value === undefined && averageValue === undefined) {
    const detail = 'must set either a target value for metric or a per-pod target';
    errors.push(required(path.child('target', 'averageValue'), detail));
  }
  if (value !== undefined && averageValue !== undefined) {
    const detail = 'may not set both a target value for metric and a per-pod target';
    errors.push(fieldForbidden(path.child('target', 'value'), detail));
  }
  return errors;
}

function validatePods({ metric, target }: V2PodsMetricSource, path: Path): FieldError[] {
  const errors = [
    ...validateIdentifier(metric, path.child('metric')),
    ...validateTarget(target, path.child('target')),
  ];
  if (target.averageValue !== undefined) return errors;
  return [
    ...errors,
    required(path.child('target', 'averageValue'), 'must specify a positive target averageValue'),
  ];
}

function validateResource({ name, target }: V2ResourceMetricSource, path: Path): FieldError[] {
  const errors = name ? [] : [required(path.child('name'), 'must specify a resource name')];
  return [...errors, ...validateResourceTarget(target, path.child('target'))];
}

function validateContainerResource(
  { name, container, target }: V2ContainerResourceMetricSource,
  path: Path,
): FieldError[] {
  const namePath = path.child('name');
  const containerPath = path.child('container');
  return [
    ...(name
      ? validateContainerResourceName(name, namePath)
      : [required(namePath, 'must specify a resource name')]),
    ...(container
      ? matches(dns1123Label, container, containerPath)
      : [required(containerPath, 'must specify a container')]),
    ...validateResourceTarget(target, path.child('target')),
  ];
}

function validateResourceTarget(target: V2MetricTarget, path: Path): FieldError[] {
  const { averageUtilization, averageValue } = target;
  const errors = validateTarget(target, path);
  if (averageUtilization === undefined && averageValue === undefined) {
    const detail = 'must set either a target raw value or a target utilization';
    errors.push(required(path.child('averageUtilization'), detail));
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    const detail = 'may not set both a target raw value and a target utilization';
    errors.push(fieldForbidden(path.child('averageValue'), detail));
  }
  return errors;
}

function validateTarget(target: V2MetricTarget, path: Path): FieldError[] {
  const { type, averageUtilization } = target;
  const typePath = path.child('type');
  const errors = type ? [] : [required(typePath, 'must specify a metric target type')];
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.push(invalidValue(typePath, type, 'must be either Utilization, Value, or AverageValue'));
  }
  for (const field of ['value', 'averageValue'] as const) {
    const amount = target[field];
    if (amount === undefined || compareQuantities(parseQuantity(amount), zero) > 0) continue;
    errors.push(invalidValue(path.child(field), amount, 'must be positive'));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalidValue(path.child('averageUtilization'), averageUtilization, 'must be greater than 0'));
  }
  return errors;
}

function validateIdentifier({ name, selector }: V2MetricIdentifier, path: Path): FieldError[] {
  const at = path.child('name');
  const errors = name ? matches(pathSegment, name, at) : [required(at, 'must specify a metric name')];
  return [...errors, ...validateLabelSelector(selector, path.child('selector'))];
}

/** Another object, in a group that is named: the core group has nothing that can be scaled by its name alone. */
export function validateReference(
  { apiVersion = '', kind, name }: V2CrossVersionObjectReference,
  path: Path,
  needsGroup = false,
): FieldError[] {
  const errors = [
    ...requiredMatch(pathSegment, kind, path.child('kind')),
    ...requiredMatch(pathSegment, name, path.child('name')),
  ];
  const at = path.child('apiVersion');
  const parts = apiVersion.split('/');
  if (parts.length > 2) {
    return [...errors, invalidValue(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  }
  const hasGroup = parts.length === 2 && parts[0] !== '';
  if (!needsGroup || hasGroup) return errors;
  return [...errors, invalidValue(at, apiVersion, 'apiVersion must specify API group')];
}
