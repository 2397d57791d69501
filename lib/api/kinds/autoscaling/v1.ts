/**
 * autoscaling/v1 over autoscaling/v2: it knows one metric, the use of processor time; all else is carried in
 * annotations, so that whoever writes an object back loses nothing of it.
 */
import type {
  HorizontalPodAutoscaler,
  ObjectMeta,
  V2HorizontalPodAutoscaler,
  V2MetricSpec,
  V2MetricStatus,
} from '../../gen/types.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import {
  applyAutoscalerDefaults,
  validateAutoscaler,
  validateAutoscalerStatusUpdate,
  validateAutoscalerUpdate,
} from './horizontal-pod-autoscaler.ts';
import {
  readBehavior,
  readConditions,
  readMetrics,
  readStatuses,
  writeBehavior,
  writeMetrics,
  writeStatuses,
} from './v1-forms.ts';

const prefix = 'autoscaling.alpha.kubernetes.io';
const carried = {
  metrics: `${prefix}/metrics`,
  behavior: `${prefix}/behavior`,
  currentMetrics: `${prefix}/current-metrics`,
  conditions: `${prefix}/conditions`,
} as const;

export const horizontalPodAutoscalerV1Rules = rules<HorizontalPodAutoscaler>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults({ spec }) {
    spec.minReplicas ??= 1;
  },

  prepareForCreate(autoscaler) {
    autoscaler.status = { currentReplicas: 0, desiredReplicas: 0 };
    const {
      [carried.currentMetrics]: _,
      [carried.conditions]: __,
      ...kept
    } = autoscaler.metadata.annotations ?? {};
    autoscaler.metadata.annotations = kept;
  },

  prepareForUpdate(autoscaler, old) {
    keepStatus(autoscaler, old);
    keepAnnotations(autoscaler, old, [carried.currentMetrics, carried.conditions]);
  },

  validateCreate: (autoscaler) => validateAutoscaler(toV2(autoscaler)),

  validateUpdate: (autoscaler, old) => validateAutoscalerUpdate(toV2(autoscaler), toV2(old)),

  prepareForStatusUpdate(autoscaler, old) {
    keepSpec(autoscaler, old);
    keepAnnotations(autoscaler, old, [carried.metrics, carried.behavior]);
  },

  validateStatusUpdate: (autoscaler, old) => validateAutoscalerStatusUpdate(toV2(autoscaler), toV2(old)),
});

/** What stands for fields that this update may not touch. */
function keepAnnotations(
  { metadata }: HorizontalPodAutoscaler,
  old: HorizontalPodAutoscaler,
  names: readonly string[],
): void {
  const annotations = { ...metadata.annotations };
  for (const name of names) {
    const before = old.metadata.annotations?.[name];
    if (before === undefined) delete annotations[name];
    else annotations[name] = before;
  }
  if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
  else delete metadata.annotations;
}

export function toV2(autoscaler: HorizontalPodAutoscaler): V2HorizontalPodAutoscaler {
  const { apiVersion: _, spec, status, metadata, ...rest } = autoscaler;
  const annotations = metadata.annotations ?? {};
  const { targetCPUUtilizationPercentage: utilization, ...specRest } = spec;
  const cpu: V2MetricSpec[] =
    utilization === undefined
      ? []
      : [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: utilization } },
          },
        ];
  const others = readMetrics(annotations[carried.metrics]) ?? [];
  const behavior = readBehavior(annotations[carried.behavior]);
  const result: V2HorizontalPodAutoscaler = {
    ...rest,
    apiVersion: 'autoscaling/v2',
    metadata: withoutCarried(metadata),
    spec: {
      ...specRest,
      metrics: [...cpu, ...others],
      ...(behavior && { behavior }),
    },
  };
  if (status) {
    const { currentCPUUtilizationPercentage: current, ...statusRest } = status;
    const conditions = readConditions(annotations[carried.conditions]);
    result.status = {
      ...statusRest,
      currentMetrics: currentMetrics(annotations[carried.currentMetrics], current),
      ...(conditions && { conditions }),
    };
  }
  applyAutoscalerDefaults(result);
  return result;
}

function currentMetrics(text: string | undefined, utilization: number | undefined): V2MetricStatus[] {
  // The annotation says more than the field does.
  const listed = readStatuses(text);
  if (listed) return listed;
  if (utilization === undefined) return [];
  return [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: utilization } } }];
}

export function toV1(autoscaler: V2HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const { apiVersion: _, kind, metadata, spec, status, ...rest } = autoscaler;
  const { metrics = [], behavior, ...specRest } = spec;
  const cpu = metrics.find(({ type, resource }) => type === 'Resource' && resource?.name === 'cpu');
  const utilization = cpu?.resource?.target.averageUtilization;
  const others = metrics.filter((metric) => !isCpuUtilization(metric));
  const annotations: Record<string, string> = { ...withoutCarried(metadata).annotations };
  if (others.length > 0) annotations[carried.metrics] = writeMetrics(others);
  if (behavior) annotations[carried.behavior] = writeBehavior(behavior);
  const { currentMetrics: current = [], conditions = [], ...statusRest } = status ?? { desiredReplicas: 0 };
  if (current.length > 0) annotations[carried.currentMetrics] = writeStatuses(current);
  if (conditions.length > 0) annotations[carried.conditions] = JSON.stringify(conditions);
  const currentUtilization = current.findLast(
    ({ type, resource }) => type === 'Resource' && resource?.name === 'cpu',
  )?.resource?.current.averageUtilization;
  const { annotations: ___, ...meta } = metadata;
  return {
    kind,
    apiVersion: 'autoscaling/v1',
    ...rest,
    metadata: { ...meta, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: {
      ...specRest,
      ...(utilization !== undefined && { targetCPUUtilizationPercentage: utilization }),
    },
    status: {
      currentReplicas: 0,
      ...statusRest,
      ...(currentUtilization !== undefined && { currentCPUUtilizationPercentage: currentUtilization }),
    },
  };
}

function isCpuUtilization({ type, resource }: V2MetricSpec): boolean {
  const isCpu = type === 'Resource' && resource?.name === 'cpu';
  return isCpu && resource.target.averageUtilization !== undefined;
}

function withoutCarried(metadata: ObjectMeta): ObjectMeta {
  if (!metadata.annotations) return metadata;
  const names: readonly string[] = Object.values(carried);
  const kept = Object.entries(metadata.annotations).filter(([name]) => !names.includes(name));
  const { annotations: _, ...rest } = metadata;
  return kept.length > 0 ? { ...rest, annotations: Object.fromEntries(kept) } : rest;
}
