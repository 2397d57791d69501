import type { Job, OwnerReference, Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { podFromTemplate } from '../common/pod-control.ts';
import { completionIndexKey } from './indexes.ts';
import { trackingFinalizer } from './pods.ts';

const indexVariable = 'JOB_COMPLETION_INDEX';
export const failureCountKey = 'batch.kubernetes.io/job-index-failure-count';
export const ignoredFailureCountKey = 'batch.kubernetes.io/job-index-ignored-failure-count';
/** What the API server lets a generated name begin with. */
const maxGeneratedBaseLength = 58;

/** Of an index that failed before: how often, and how often without its being counted. */
export interface IndexFailures {
  counted: number;
  ignored: number;
}

/** The next pod of a Job; `failures` where each index has a backoff limit of its own. */
export function newPod(
  job: Persisted<Job>,
  reference: OwnerReference,
  index: number | undefined,
  failures: IndexFailures | undefined,
): Pod {
  const pod = podFromTemplate(job.spec.template, job, reference);
  pod.metadata.finalizers = [...new Set([...(pod.metadata.finalizers ?? []), trackingFinalizer])];
  if (index === undefined) return pod;
  const { name } = job.metadata;
  const ending = `-${index}-`;
  pod.metadata.generateName = `${name.slice(0, maxGeneratedBaseLength - ending.length)}${ending}`;
  pod.metadata.labels = { ...pod.metadata.labels, [completionIndexKey]: `${index}` };
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [completionIndexKey]: `${index}`,
    ...(failures && { [failureCountKey]: `${failures.counted}` }),
    ...(failures && failures.ignored > 0 && { [ignoredFailureCountKey]: `${failures.ignored}` }),
  };
  pod.spec.hostname = `${name}-${index}`;
  const valueFrom = { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${completionIndexKey}']` } };
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    if (container.env?.some(({ name: variable }) => variable === indexVariable)) continue;
    container.env = [...(container.env ?? []), { name: indexVariable, valueFrom }];
  }
  return pod;
}

/** What a pod of an index says of the failures before it. */
export function failuresBefore({ metadata }: Pod): IndexFailures {
  const count = (key: string) => Number(metadata.annotations?.[key] ?? 0) || 0;
  return { counted: count(failureCountKey), ignored: count(ignoredFailureCountKey) };
}
