import type * as t from '../gen/types.ts';
import { humanDuration, since } from './duration.ts';
import {
  age,
  ageColumn,
  column,
  containerCells,
  containerColumns,
  flag,
  formatLabelSelector,
  formatLabels,
  integer,
  type KindTable,
  nameColumn,
  nameOf,
  selectorColumn,
  tableOf,
} from './kind-table.ts';

const readyColumn = column('Ready', 'Number of the pod with ready state');
const desiredColumn = column('Desired', 'The number of pods asked for.', integer);
const currentColumn = column('Current', 'The number of pods that there are.', integer);
const readyPodsColumn = column('Ready', 'The number of pods that are ready.', integer);

/** By `group/Kind`. */
export const workloadTables: Readonly<Record<string, KindTable>> = {
  'apps/Deployment': tableOf<t.Deployment>(
    [
      nameColumn,
      readyColumn,
      column('Up-to-date', 'The number of pods that have the current template.'),
      column('Available', 'The number of pods that have been ready for long enough.'),
      ageColumn,
      ...containerColumns,
      selectorColumn,
    ],
    (object, now) => [
      nameOf(object),
      `${object.status?.readyReplicas ?? 0}/${object.spec.replicas ?? 0}`,
      object.status?.updatedReplicas ?? 0,
      object.status?.availableReplicas ?? 0,
      age(object, now),
      ...containerCells(object.spec.template.spec.containers),
      formatLabelSelector(object.spec.selector, '<invalid>'),
    ],
  ),
  'apps/ReplicaSet': tableOf<t.ReplicaSet>(
    [
      nameColumn,
      desiredColumn,
      currentColumn,
      readyPodsColumn,
      ageColumn,
      ...containerColumns,
      selectorColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.spec.replicas ?? 0,
      object.status?.replicas ?? 0,
      object.status?.readyReplicas ?? 0,
      age(object, now),
      ...containerCells(object.spec.template?.spec.containers),
      formatLabelSelector(object.spec.selector),
    ],
  ),
  '/ReplicationController': tableOf<t.ReplicationController>(
    [
      nameColumn,
      desiredColumn,
      currentColumn,
      readyPodsColumn,
      ageColumn,
      ...containerColumns,
      selectorColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.spec.replicas ?? 0,
      object.status?.replicas ?? 0,
      object.status?.readyReplicas ?? 0,
      age(object, now),
      ...containerCells(object.spec.template?.spec.containers),
      formatLabels(object.spec.selector),
    ],
  ),
  'apps/StatefulSet': tableOf<t.StatefulSet>(
    [nameColumn, readyColumn, ageColumn, ...containerColumns],
    (object, now) => [
      nameOf(object),
      `${object.status?.readyReplicas ?? 0}/${object.spec.replicas ?? 0}`,
      age(object, now),
      ...containerCells(object.spec.template.spec.containers),
    ],
  ),
  'apps/DaemonSet': tableOf<t.DaemonSet>(
    [
      nameColumn,
      column('Desired', 'The number of nodes that should run the pod.', integer),
      column('Current', 'The number of nodes that run the pod and should.', integer),
      readyPodsColumn,
      column('Up-to-date', 'The number of nodes that run the current pod.', integer),
      column('Available', 'The number of nodes whose pod has been ready for long enough.', integer),
      column('Node Selector', 'The labels of the nodes that the pod runs on.'),
      ageColumn,
      ...containerColumns,
      selectorColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.status?.desiredNumberScheduled ?? 0,
      object.status?.currentNumberScheduled ?? 0,
      object.status?.numberReady ?? 0,
      object.status?.updatedNumberScheduled ?? 0,
      object.status?.numberAvailable ?? 0,
      formatLabels(object.spec.template.spec.nodeSelector),
      age(object, now),
      ...containerCells(object.spec.template.spec.containers),
      formatLabelSelector(object.spec.selector),
    ],
  ),
  'batch/Job': tableOf<t.Job>(
    [
      nameColumn,
      column('Status', 'Status of the job.'),
      column('Completions', 'The number of pods that succeeded.'),
      column('Duration', 'Time required to complete the job.'),
      ageColumn,
      ...containerColumns,
      selectorColumn,
    ],
    (object, now) => [
      nameOf(object),
      jobStatus(object),
      completions(object),
      jobDuration(object, now),
      age(object, now),
      ...containerCells(object.spec.template.spec.containers),
      formatLabelSelector(object.spec.selector),
    ],
  ),
  'batch/CronJob': tableOf<t.CronJob>(
    [
      nameColumn,
      column('Schedule', 'When jobs are started, as cron writes it.'),
      column('Timezone', 'The time zone of the schedule.'),
      column('Suspend', 'Whether no more jobs are started.', flag),
      column('Active', 'The number of jobs that are running.', integer),
      column('Last Schedule', 'How long ago a job was started.'),
      ageColumn,
      ...containerColumns,
      selectorColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.spec.schedule,
      object.spec.timeZone ?? '<none>',
      object.spec.suspend === undefined ? '<unset>' : object.spec.suspend ? 'True' : 'False',
      object.status?.active?.length ?? 0,
      object.status?.lastScheduleTime ? since(object.status.lastScheduleTime, now) : '<none>',
      age(object, now),
      ...containerCells(object.spec.jobTemplate.spec?.template.spec.containers),
      formatLabelSelector(object.spec.jobTemplate.spec?.selector),
    ],
  ),
  '/PodTemplate': tableOf<t.PodTemplate>(
    [
      nameColumn,
      column('Containers', 'Names of each container in the template.'),
      column('Images', 'Images referenced by each container in the template.'),
      column('Pod Labels', 'The labels for the pod template.'),
    ],
    (object) => [
      nameOf(object),
      ...containerCells(object.template?.spec.containers),
      formatLabels(object.template?.metadata?.labels),
    ],
  ),
  'apps/ControllerRevision': tableOf<t.ControllerRevision>(
    [
      nameColumn,
      column('Controller', 'Controller of the object'),
      column('Revision', 'The number of the state that it holds.'),
      ageColumn,
    ],
    (object, now) => {
      const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
      return [nameOf(object), owner ? ownerName(owner) : '<none>', object.revision, age(object, now)];
    },
  ),
};

/** `statefulset.apps/web` */
function ownerName({ apiVersion, kind, name }: t.OwnerReference): string {
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : '';
  return `${kind}${group}`.toLowerCase() + `/${name}`;
}

function jobStatus({ status, metadata }: t.Job): string {
  const has = (type: string) =>
    status?.conditions?.find((condition) => condition.type === type)?.status === 'True';
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (metadata.deletionTimestamp) return 'Terminating';
  if (has('Suspended')) return 'Suspended';
  return has('FailureTarget') ? 'FailureTarget' : 'Running';
}

function completions({ spec, status }: t.Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: t.Job, now: number): string {
  if (!status?.startTime) return '';
  const end = status.completionTime ? Date.parse(status.completionTime) : now;
  return humanDuration(end - Date.parse(status.startTime));
}
