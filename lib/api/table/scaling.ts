import type * as t from '../gen/types.ts';
import {
  age,
  ageColumn,
  column,
  integer,
  type KindTable,
  nameColumn,
  nameOf,
  tableOf,
} from './kind-table.ts';

/** By `group/Kind`. */
export const scalingTables: Readonly<Record<string, KindTable>> = {
  'autoscaling/HorizontalPodAutoscaler': tableOf<t.V2HorizontalPodAutoscaler & FirstVersion>(
    [
      nameColumn,
      column('Reference', 'What it scales.'),
      column('Targets', 'The metrics, as they are and as they should be.'),
      column('MinPods', 'The fewest pods.'),
      column('MaxPods', 'The most pods.'),
      column('Replicas', 'The number of pods that there are.'),
      ageColumn,
    ],
    (object, now) => {
      const { spec, status } = object;
      return [
        nameOf(object),
        `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
        targets(object),
        spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas),
        spec.maxReplicas,
        status?.currentReplicas ?? 0,
        age(object, now),
      ];
    },
  ),
  'autoscaling/Scale': tableOf<t.Scale>(
    [
      { ...nameColumn, format: '' },
      column('Desired', 'The number of pods asked for.', integer),
      column('Available', 'The number of pods that there are.', integer),
      ageColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.spec?.replicas ?? 0,
      object.status?.replicas ?? 0,
      age(object, now),
    ],
  ),
};

/** What `autoscaling/v1` has in place of metrics. */
interface FirstVersion {
  spec: { targetCPUUtilizationPercentage?: number };
  status?: { currentCPUUtilizationPercentage?: number };
}

function targets({ spec, status }: t.V2HorizontalPodAutoscaler & FirstVersion): string {
  const averageUtilization = spec.targetCPUUtilizationPercentage;
  if (averageUtilization === undefined)
    return formatMetrics(spec.metrics ?? [], status?.currentMetrics ?? []);
  const current = status?.currentCPUUtilizationPercentage;
  return resourceMetric(
    { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
    current === undefined ? undefined : { current: { averageUtilization: current } },
  );
}

/** The first two metrics, `cpu: 12%/80%`, and how many more there are. */
function formatMetrics(specs: readonly t.V2MetricSpec[], statuses: readonly t.V2MetricStatus[]): string {
  if (specs.length === 0) return '<none>';
  const all = specs.map((spec, index) => formatMetric(spec, statuses[index]));
  const shown = all.slice(0, 2).join(', ');
  return all.length > 2 ? `${shown} + ${all.length - 2} more...` : shown;
}

function formatMetric(spec: t.V2MetricSpec, status: t.V2MetricStatus | undefined): string {
  switch (spec.type) {
    case 'Pods':
      return `${status?.pods?.current.averageValue ?? '<unknown>'}/${spec.pods?.target.averageValue ?? '0'}`;
    case 'Object':
      return valueOrAverage(spec.object?.target, status?.object?.current);
    case 'External':
      return valueOrAverage(spec.external?.target, status?.external?.current);
    case 'Resource':
      return resourceMetric(spec.resource, status?.resource);
    case 'ContainerResource':
      return resourceMetric(spec.containerResource, status?.containerResource);
    default:
      return '<unknown type>';
  }
}

function valueOrAverage(
  target: t.V2MetricTarget | undefined,
  current: t.V2MetricValueStatus | undefined,
): string {
  if (target?.averageValue) return `${current?.averageValue ?? '<unknown>'}/${target.averageValue} (avg)`;
  return `${current ? (current.value ?? '0') : '<unknown>'}/${target?.value ?? '0'}`;
}

function resourceMetric(
  spec: { name: string; target: t.V2MetricTarget } | undefined,
  status: { current: t.V2MetricValueStatus } | undefined,
): string {
  const { name = '', target } = spec ?? {};
  const current = status?.current;
  if (target?.averageValue) return `${name}: ${current?.averageValue ?? '<unknown>'}/${target.averageValue}`;
  const percent = (value: number | undefined, absent: string) => (value === undefined ? absent : `${value}%`);
  return `${name}: ${percent(current?.averageUtilization, '<unknown>')}/${percent(target?.averageUtilization, '<auto>')}`;
}
