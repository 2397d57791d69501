import type * as t from '../gen/types.ts';
import { age, ageColumn, column, type KindTable, nameColumn, nameOf, tableOf, wide } from './kind-table.ts';
import { since } from './duration.ts';

/** By `group/Kind`. */
export const coreTables: Readonly<Record<string, KindTable>> = {
  '/Node': tableOf<t.Node>(
    [
      nameColumn,
      column('Status', 'The status of the node'),
      column('Roles', 'The roles of the node'),
      ageColumn,
      column('Version', 'The version of the agent on the node.'),
      column('Internal-IP', 'The address inside of the cluster.', wide),
      column('External-IP', 'The address outside of the cluster.', wide),
      column('OS-Image', 'The operating system as the node names it.', wide),
      column('Kernel-Version', 'The version of its kernel.', wide),
      column('Container-Runtime', 'The container runtime and its version.', wide),
    ],
    (node, now) => [
      nameOf(node),
      nodeStatus(node),
      nodeRoles(node),
      age(node, now),
      node.status?.nodeInfo?.kubeletVersion ?? '',
      nodeAddress(node, 'InternalIP'),
      nodeAddress(node, 'ExternalIP'),
      node.status?.nodeInfo?.osImage || '<unknown>',
      node.status?.nodeInfo?.kernelVersion || '<unknown>',
      node.status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
    ],
  ),
  '/Namespace': tableOf<t.Namespace>(
    [nameColumn, column('Status', 'The status of the namespace'), ageColumn],
    (object, now) => [nameOf(object), object.status?.phase ?? '', age(object, now)],
  ),
  '/ConfigMap': tableOf<t.ConfigMap>(
    [nameColumn, column('Data', 'The number of its entries.'), ageColumn],
    (object, now) => [nameOf(object), count(object.data) + count(object.binaryData), age(object, now)],
  ),
  '/Secret': tableOf<t.Secret>(
    [
      nameColumn,
      column('Type', 'What the secret is for.'),
      column('Data', 'The number of its entries.'),
      ageColumn,
    ],
    (object, now) => [nameOf(object), object.type ?? '', count(object.data), age(object, now)],
  ),
  '/ServiceAccount': tableOf<t.ServiceAccount>(
    [nameColumn, column('Secrets', 'The number of secrets that its pods may use.'), ageColumn],
    (object, now) => [nameOf(object), object.secrets?.length ?? 0, age(object, now)],
  ),
  '/ResourceQuota': tableOf<t.ResourceQuota>(
    [
      nameColumn,
      column('Request', 'Request represents a minimum amount of cpu/memory that a container may consume.'),
      column(
        'Limit',
        'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
      ),
      ageColumn,
    ],
    (object, now) => [nameOf(object), quotaUse(object, false), quotaUse(object, true), age(object, now)],
  ),
  '/ComponentStatus': tableOf<t.ComponentStatus>(
    [
      nameColumn,
      column('Status', 'Status of the component conditions'),
      column('Message', 'Message of the component conditions'),
      column('Error', 'Error of the component conditions'),
    ],
    (object) => {
      const condition = object.conditions?.find(({ type }) => type === 'Healthy');
      const status = condition ? (condition.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown';
      return [nameOf(object), status, condition?.message ?? '', condition?.error ?? ''];
    },
  ),
  '/Event': tableOf<t.CoreV1Event>(eventColumns(), (event, now) =>
    eventCells(event, now, {
      object: event.involvedObject,
      component: event.source?.component || event.reportingComponent || '',
      instance: event.source?.host || event.reportingInstance || '',
      message: event.message ?? '',
      first: event.firstTimestamp ?? event.eventTime,
      last: event.lastTimestamp,
      count: event.count ?? 0,
    }),
  ),
  'events.k8s.io/Event': tableOf<t.EventsV1Event>(eventColumns(), (event, now) =>
    eventCells(event, now, {
      object: event.regarding ?? {},
      component: event.deprecatedSource?.component || event.reportingController || '',
      instance: event.deprecatedSource?.host || event.reportingInstance || '',
      message: event.note ?? '',
      first: event.deprecatedFirstTimestamp ?? event.eventTime,
      last: event.deprecatedLastTimestamp,
      count: event.deprecatedCount ?? 0,
    }),
  ),
};

function count(map: object | undefined): number {
  return Object.keys(map ?? {}).length;
}

function nodeStatus({ status, spec }: t.Node): string {
  const ready = status?.conditions?.findLast(({ type }) => type === 'Ready');
  const word = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return spec?.unschedulable ? `${word},SchedulingDisabled` : word;
}

/** From the labels `node-role.kubernetes.io/<role>` and `kubernetes.io/role=<role>`. */
function nodeRoles({ metadata }: t.Node): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.entries(metadata.labels ?? {}).map(([key, value]) => {
    if (key.startsWith(prefix)) return key.slice(prefix.length);
    return key === 'kubernetes.io/role' ? value : '';
  });
  return (
    [...new Set(roles)]
      .filter((role) => role !== '')
      .sort()
      .join(',') || '<none>'
  );
}

function nodeAddress({ status }: t.Node, wanted: string): string {
  return status?.addresses?.find(({ type }) => type === wanted)?.address ?? '<none>';
}

function quotaUse({ status }: t.ResourceQuota, limits: boolean): string {
  return Object.entries(status?.hard ?? {})
    .filter(([resource]) => resource.startsWith('limits.') === limits)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([resource, hard]) => `${resource}: ${status?.used?.[resource] ?? '0'}/${hard}`)
    .join(', ');
}

function eventColumns() {
  return [
    column('Last Seen', 'How long ago it last occurred.'),
    column('Type', 'Normal or Warning.'),
    column('Reason', 'Why it was recorded, in a word.'),
    column('Object', 'The object that it is about.'),
    column('Subobject', 'The part of the object that it is about.', wide),
    column('Source', 'Who recorded it.', wide),
    column('Message', 'What happened.'),
    column('First Seen', 'How long ago it first occurred.', wide),
    column('Count', 'How often it occurred.', wide),
    { ...nameColumn, ...wide },
  ];
}

interface EventFacts {
  object: t.ObjectReference;
  component: string;
  instance: string;
  message: string;
  first: string | undefined;
  last: string | undefined;
  count: number;
}

function eventCells(event: t.CoreV1Event | t.EventsV1Event, now: number, facts: EventFacts) {
  const { object, component, instance } = facts;
  const first = since(facts.first, now);
  const { series } = event;
  const last = series ? since(series.lastObservedTime, now) : facts.last ? since(facts.last, now) : first;
  const kind = (object.kind ?? '').toLowerCase();
  return [
    last,
    event.type ?? '',
    event.reason ?? '',
    object.name ? `${kind}/${object.name}` : kind,
    object.fieldPath ?? '',
    instance ? `${component}, ${instance}` : component,
    facts.message.trim(),
    first,
    // Events that occurred once have no count in the newer API.
    series ? (series.count ?? 0) : facts.count || 1,
    nameOf(event),
  ];
}
