/** What each metric of an autoscaler says, and what its status shows of it. */
import type {
  Pod,
  V2HorizontalPodAutoscaler,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
} from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import {
  formatQuantity,
  milliQuantityOf,
  parseQuantity,
  quantityMilliValue,
} from '../../../lib/api/quantity/index.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { MetricsSource } from './metrics-source.ts';
import {
  replicasByAverage,
  replicasByShare,
  replicasByUtilization,
  replicasByValue,
  type Target,
  type Usage,
} from './replicas.ts';

export interface Measured {
  replicas: number;
  /** `cpu resource utilization (percentage of request)` */
  name: string;
  status: V2MetricStatus;
}

/** Why a metric says nothing: the reason of the `ScalingActive` condition, and the text. */
export class MetricFailure extends Error {
  readonly reason: string;
  /** The text as part of what is wrong with all metrics together. */
  readonly summary: string;

  constructor(reason: string, message: string, cause: unknown, kind?: string) {
    super(message, { cause });
    this.reason = reason;
    this.summary = kind === undefined ? message : `failed to get ${kind} metric value: ${message}`;
  }
}

export interface ScaleTarget extends Omit<Target, 'pods'> {
  /** Of the scale's status. */
  statusReplicas: number;
  namespace: string;
  podSelector: string;
  pods: readonly Persisted<Pod>[];
}

/** @throws MetricFailure */
export function measure(source: MetricsSource, target: ScaleTarget, spec: V2MetricSpec): Promise<Measured> {
  const { resource, containerResource, pods, object, external } = spec;
  if (resource) return measureResource(source, target, spec.type, resource);
  if (containerResource) return measureResource(source, target, spec.type, containerResource);
  if (pods) return measurePods(source, target, pods);
  if (object) return measureObject(source, target, object);
  if (external) return measureExternal(source, target, external);
  const error = new Error(`unknown metric source type "${spec.type}"`);
  return Promise.reject(new MetricFailure('InvalidMetricSourceType', error.message, error));
}

async function measureResource(
  source: MetricsSource,
  target: ScaleTarget,
  type: string,
  { name, target: wanted, ...rest }: { name: string; target: V2MetricTarget; container?: string },
): Promise<Measured> {
  const { container } = rest;
  const key = container === undefined ? 'resource' : 'containerResource';
  const percent = wanted.averageUtilization;
  const failure = container === undefined ? 'FailedGetResourceMetric' : 'FailedGetContainerResourceMetric';
  return await attempt(
    failure,
    `failed to get ${name} ${percent === undefined ? 'usage' : 'utilization'}: `,
    async () => {
      const samples = await source
        .resource(name, target.namespace, target.podSelector, container)
        .catch(saying(`unable to get metrics for resource ${name}: `));
      const usage =
        percent === undefined
          ? replicasByAverage(target, samples, milliOf(wanted.averageValue), name)
          : replicasByUtilization(target, samples, { resource: name, container, percent });
      const current = { ...utilizationOf(usage), averageValue: textOf(usage.milliValue) };
      return {
        replicas: usage.replicas,
        name:
          percent === undefined
            ? `${name} ${container ? 'container ' : ''}resource`
            : `${name} ${container ? 'container ' : ''}resource utilization (percentage of request)`,
        status: { type, [key]: { name, ...(container && { container }), current } },
      };
    },
    `${name} ${container === undefined ? 'resource' : 'container'}`,
  );
}

async function measurePods(
  source: MetricsSource,
  target: ScaleTarget,
  { metric, target: wanted }: NonNullable<V2MetricSpec['pods']>,
): Promise<Measured> {
  const get = async () => {
    const samples = await source
      .pods(metric, target.namespace, target.podSelector)
      .catch(saying(`unable to get metric ${metric.name}: `));
    const usage = replicasByAverage(target, samples, milliOf(wanted.averageValue));
    const current = { averageValue: textOf(usage.milliValue) };
    return {
      replicas: usage.replicas,
      name: `pods metric ${metric.name}`,
      status: { type: 'Pods', pods: { metric, current } },
    };
  };
  return await attempt('FailedGetPodsMetric', '', get, 'pods');
}

async function measureObject(
  source: MetricsSource,
  target: ScaleTarget,
  { metric, describedObject, target: wanted }: NonNullable<V2MetricSpec['object']>,
): Promise<Measured> {
  const { kind, name } = describedObject;
  const get = async () => {
    const milliValue = await source
      .object(metric, target.namespace, describedObject)
      .catch(saying(`unable to get metric ${metric.name}: ${kind} on ${target.namespace} ${name}/`));
    const { replicas, current } = byOneValue(target, milliValue, wanted);
    return {
      replicas,
      name: `${describedObject.kind} metric ${metric.name}`,
      status: { type: 'Object', object: { metric, describedObject, current } },
    };
  };
  return await attempt('FailedGetObjectMetric', '', get, 'object');
}

async function measureExternal(
  source: MetricsSource,
  target: ScaleTarget,
  { metric, target: wanted }: NonNullable<V2MetricSpec['external']>,
): Promise<Measured> {
  return await attempt('FailedGetExternalMetric', 'failed to get external metric: ', async () => {
    const milliValue = await source.external(metric, target.namespace);
    const { replicas, current } = byOneValue(target, milliValue, wanted);
    return {
      replicas,
      name: `external metric ${metric.name}`,
      status: { type: 'External', external: { metric, current } },
    };
  });
}

function byOneValue(target: ScaleTarget, milliValue: number, { value, averageValue }: V2MetricTarget) {
  if (value !== undefined) {
    return {
      replicas: replicasByValue(target, milliValue, milliOf(value)),
      current: { value: textOf(milliValue) },
    };
  }
  const { statusReplicas } = target;
  return {
    replicas: replicasByShare(target, statusReplicas, milliValue, milliOf(averageValue)),
    current: { averageValue: textOf(Math.ceil(milliValue / Math.max(1, statusReplicas))) },
  };
}

async function attempt(
  reason: string,
  prefix: string,
  run: () => Promise<Measured>,
  kind?: string,
): Promise<Measured> {
  try {
    return await run();
  } catch (error) {
    throw new MetricFailure(reason, `${prefix}${messageOf(error)}`, error, kind);
  }
}

/** Of whatever a source says, what it was asked for. */
function saying(prefix: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`${prefix}${messageOf(error)}`, { cause: error });
  };
}

function utilizationOf({ utilization }: Usage) {
  return utilization === undefined ? {} : { averageUtilization: utilization };
}

function milliOf(text: string | undefined): number {
  return quantityMilliValue(parseQuantity(text ?? '0'));
}

function textOf(milliValue: number): string {
  return formatQuantity(milliQuantityOf(milliValue));
}

/** What was wanted of an autoscaler's metrics together. */
export interface Proposal {
  /** Undefined where nothing can be concluded. */
  best: Measured | undefined;
  statuses: V2MetricStatus[];
  failures: MetricFailure[];
}

/**
 * The metric that asks for most. Where some say nothing, the others may still scale up: they do not know whether the
 * silent ones would ask for as much, so they do not scale down.
 */
export async function measureAll(
  source: MetricsSource,
  target: ScaleTarget,
  { spec }: V2HorizontalPodAutoscaler,
): Promise<Proposal> {
  const statuses: V2MetricStatus[] = [];
  const failures: MetricFailure[] = [];
  let best: Measured | undefined;
  for (const metric of spec.metrics ?? []) {
    try {
      const measured = await measure(source, target, metric);
      statuses.push(measured.status);
      if (!best || measured.replicas > best.replicas) best = measured;
    } catch (error) {
      if (!(error instanceof MetricFailure)) throw error;
      failures.push(error);
    }
  }
  const mayConclude = failures.length === 0 || (best && best.replicas >= target.currentReplicas);
  return { best: mayConclude ? best : undefined, statuses, failures };
}
