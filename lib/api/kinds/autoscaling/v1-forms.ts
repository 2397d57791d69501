/** The forms in which annotations of autoscaling/v1 carry what only v2 has fields for. */
import { conform, DecodeError } from '../../decode/index.ts';
import type {
  V2HorizontalPodAutoscalerBehavior,
  V2HorizontalPodAutoscalerCondition,
  V2HPAScalingRules,
  V2MetricSpec,
  V2MetricStatus,
} from '../../gen/types.ts';
import type { JsonObject, JsonValue } from '../../object.ts';
import { definition } from '../../schemas.ts';

type Form = { [field: string]: JsonValue | undefined };

/** What is carried, read from the text of an annotation; undefined where it is not of the right form: it says nothing. */
export const readMetrics = (text: string | undefined): V2MetricSpec[] | undefined =>
  readList<V2MetricSpec>(text, 'MetricSpec', metricFromForm);

export const readStatuses = (text: string | undefined): V2MetricStatus[] | undefined =>
  readList<V2MetricStatus>(text, 'MetricStatus', statusFromForm);

export const readConditions = (text: string | undefined): V2HorizontalPodAutoscalerCondition[] | undefined =>
  readList<V2HorizontalPodAutoscalerCondition>(text, 'HorizontalPodAutoscalerCondition', (form) => form);

export function readBehavior(text: string | undefined): V2HorizontalPodAutoscalerBehavior | undefined {
  const value = parse(text);
  if (!isForm(value)) return undefined;
  // This one is written with the names of Go's fields.
  return conformed<V2HorizontalPodAutoscalerBehavior>(lowerCased(value), 'HorizontalPodAutoscalerBehavior');
}

function readList<T>(text: string | undefined, kind: string, from: (form: Form) => Form): T[] | undefined {
  const value = parse(text);
  if (!Array.isArray(value) || !value.every(isForm)) return undefined;
  const items = value.map((form) => conformed<T>(from(form) as JsonValue, kind));
  return items.every((item) => item !== undefined) ? items : undefined;
}

function parse(text: string | undefined): JsonValue | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function conformed<T>(value: JsonValue, kind: string): T | undefined {
  try {
    // Fields that are there without a value are not there.
    const plain = JSON.parse(JSON.stringify(value)) as JsonObject;
    return conform(plain, definition(`io.k8s.api.autoscaling.v2.${kind}`)).object as unknown as T;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function isForm(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function part(value: JsonValue | undefined): Form | undefined {
  return isForm(value) ? value : undefined;
}

function lowerCased(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(lowerCased);
  if (!isForm(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(
    entries.map(([key, inner]) => [key.slice(0, 1).toLowerCase() + key.slice(1), lowerCased(inner)]),
  );
}

function metricFromForm({ type, object, pods, resource, containerResource, external }: Form): Form {
  return compact({
    type,
    object: form(object, ({ target, metricName, targetValue, selector, averageValue }) => {
      const byPod = averageValue !== undefined;
      const value = byPod && targetValue === '0' ? undefined : targetValue;
      return {
        describedObject: target,
        metric: compact({ name: metricName, selector }),
        target: compact({ type: byPod ? 'AverageValue' : 'Value', value, averageValue }),
      };
    }),
    pods: form(pods, ({ metricName, targetAverageValue, selector }) => ({
      metric: compact({ name: metricName, selector }),
      target: compact({ type: 'AverageValue', averageValue: targetAverageValue }),
    })),
    resource: form(resource, (source) => ({ name: source.name, target: resourceTarget(source) })),
    containerResource: form(containerResource, (source) => ({
      name: source.name,
      container: source.container,
      target: resourceTarget(source),
    })),
    external: form(external, ({ metricName, metricSelector, targetValue, targetAverageValue }) => ({
      metric: compact({ name: metricName, selector: metricSelector }),
      target: compact({
        type: targetValue === undefined ? 'AverageValue' : 'Value',
        value: targetValue,
        averageValue: targetAverageValue,
      }),
    })),
  });
}

function resourceTarget({ targetAverageUtilization, targetAverageValue }: Form): JsonValue {
  return compact({
    type: targetAverageUtilization === undefined ? 'AverageValue' : 'Utilization',
    averageUtilization: targetAverageUtilization,
    averageValue: targetAverageValue,
  });
}

function statusFromForm({ type, object, pods, resource, containerResource, external }: Form): Form {
  return compact({
    type,
    object: form(object, ({ target, metricName, currentValue, selector, averageValue }) => ({
      describedObject: target,
      metric: compact({ name: metricName, selector }),
      current: compact({ value: currentValue, averageValue }),
    })),
    pods: form(pods, ({ metricName, currentAverageValue, selector }) => ({
      metric: compact({ name: metricName, selector }),
      current: compact({ averageValue: currentAverageValue }),
    })),
    resource: form(resource, (source) => ({ name: source.name, current: resourceCurrent(source) })),
    containerResource: form(containerResource, (source) => ({
      name: source.name,
      container: source.container,
      current: resourceCurrent(source),
    })),
    external: form(external, ({ metricName, metricSelector, currentValue, currentAverageValue }) => ({
      metric: compact({ name: metricName, selector: metricSelector }),
      current: compact({ value: currentValue, averageValue: currentAverageValue }),
    })),
  });
}

function resourceCurrent({ currentAverageUtilization, currentAverageValue }: Form): JsonValue {
  return compact({ averageUtilization: currentAverageUtilization, averageValue: currentAverageValue });
}

function form(value: JsonValue | undefined, from: (form: Form) => Form): JsonValue | undefined {
  const found = part(value);
  return found && compact(from(found));
}

function compact(object: Form): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined && value !== null),
  ) as JsonObject;
}

export function writeMetrics(metrics: readonly V2MetricSpec[]): string {
  return JSON.stringify(
    metrics.map(({ type, object, pods, resource, containerResource, external }) => ({
      type,
      object: object && {
        target: object.describedObject,
        metricName: object.metric.name,
        targetValue: object.target.value ?? '0',
        selector: object.metric.selector,
        averageValue: object.target.averageValue,
      },
      pods: pods && {
        metricName: pods.metric.name,
        targetAverageValue: pods.target.averageValue ?? '0',
        selector: pods.metric.selector,
      },
      resource: resource && {
        name: resource.name,
        targetAverageUtilization: resource.target.averageUtilization,
        targetAverageValue: resource.target.averageValue,
      },
      containerResource: containerResource && {
        name: containerResource.name,
        targetAverageUtilization: containerResource.target.averageUtilization,
        targetAverageValue: containerResource.target.averageValue,
        container: containerResource.container,
      },
      external: external && {
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      },
    })),
  );
}

export function writeStatuses(statuses: readonly V2MetricStatus[]): string {
  return JSON.stringify(
    statuses.map(({ type, object, pods, resource, containerResource, external }) => ({
      type,
      object: object && {
        target: object.describedObject,
        metricName: object.metric.name,
        currentValue: object.current.value ?? '0',
        selector: object.metric.selector,
        averageValue: object.current.averageValue,
      },
      pods: pods && {
        metricName: pods.metric.name,
        currentAverageValue: pods.current.averageValue ?? '0',
        selector: pods.metric.selector,
      },
      resource: resource && {
        name: resource.name,
        currentAverageUtilization: resource.current.averageUtilization,
        currentAverageValue: resource.current.averageValue ?? '0',
      },
      containerResource: containerResource && {
        name: containerResource.name,
        currentAverageUtilization: containerResource.current.averageUtilization,
        currentAverageValue: containerResource.current.averageValue ?? '0',
        container: containerResource.container,
      },
      external: external && {
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        currentValue: external.current.value ?? '0',
        currentAverageValue: external.current.averageValue,
      },
    })),
  );
}

export function writeBehavior({ scaleUp, scaleDown }: V2HorizontalPodAutoscalerBehavior): string {
  return JSON.stringify({ ScaleUp: writeRules(scaleUp), ScaleDown: writeRules(scaleDown) });
}

function writeRules(rules: V2HPAScalingRules | undefined) {
  if (!rules) return null;
  return {
    StabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null,
    SelectPolicy: rules.selectPolicy ?? null,
    Policies:
      rules.policies?.map(({ type, value, periodSeconds }) => ({
        Type: type,
        Value: value,
        PeriodSeconds: periodSeconds,
      })) ?? null,
    Tolerance: rules.tolerance ?? null,
  };
}
