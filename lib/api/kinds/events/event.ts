/** Events have two APIs and one storage: the older one is lenient with what the newer one demands (KEP-383). */
import type { CoreV1Event, EventsV1Event, EventSource, ObjectReference } from '../../gen/types.ts';
import { filled, matches } from '../../validate/check.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required } from '../../validate/field-error.ts';
import { dns1123Subdomain, nameIsSubdomain, qualifiedName } from '../../validate/formats.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';

export const coreEventRules = rules<CoreV1Event>({
  namespaced: true,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  applyDefaults() {},
  validateCreate: (event) => validateBasics(viewOfCore(event), 'reportingComponent'),
  validateUpdate: (event) => validateBasics(viewOfCore(event), 'reportingComponent'),
});

export const eventRules = rules<EventsV1Event>({
  namespaced: true,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  applyDefaults() {},

  validateCreate(event) {
    const view = viewOf(event);
    const errors = [
      ...validateBasics(view, 'reportingController'),
      ...validateObjectMeta(event.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
      ...validateSeries(view),
    ];
    if (!view.eventTime) errors.push(required(Path.of('eventTime')));
    if (view.type !== 'Normal' && view.type !== 'Warning') {
      errors.push(invalidValue(Path.of('type'), '', `has invalid value: ${view.type}`));
    }
    const unset = {
      firstTimestamp: view.firstTimestamp,
      lastTimestamp: view.lastTimestamp,
      count: view.count,
    };
    for (const [field, value] of Object.entries(unset)) {
      if (value) errors.push(invalidValue(Path.of(field), '', 'needs to be unset'));
    }
    if (view.source.component || view.source.host) {
      errors.push(invalidValue(Path.of('source'), '', 'needs to be unset'));
    }
    return errors;
  },

  validateUpdate(event, old) {
    const view = viewOf(event);
    const before = viewOf(old);
    const errors = [
      ...validateBasics(view, 'reportingController'),
      ...validateObjectMetaUpdate(event.metadata, old.metadata),
    ];
    if (JSON.stringify(view.series) !== JSON.stringify(before.series)) errors.push(...validateSeries(view));
    for (const field of kept) errors.push(...immutable(view[field], before[field], Path.of(field)));
    return errors;
  },
});

const kept = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingController',
  'reportingInstance',
] as const;

/** An event under the names that it is stored by. */
interface View {
  namespace: string;
  involvedObject: ObjectReference;
  reason: string;
  message: string;
  source: EventSource;
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  count: number;
  type: string;
  eventTime?: string | null;
  action: string;
  related?: ObjectReference;
  reportingController: string;
  reportingInstance: string;
  series?: { count?: number; lastObservedTime?: string | null };
}

function viewOfCore(event: CoreV1Event): View {
  const {
    reason = '',
    message = '',
    source = {},
    count = 0,
    type = '',
    action = '',
    reportingInstance = '',
  } = event;
  return {
    ...event,
    namespace: event.metadata.namespace ?? '',
    reason,
    message,
    source,
    count,
    type,
    action,
    reportingInstance,
    reportingController: event.reportingComponent ?? '',
  };
}

function viewOf(event: EventsV1Event): View {
  return {
    namespace: event.metadata.namespace ?? '',
    involvedObject: event.regarding ?? {},
    reason: event.reason ?? '',
    message: event.note ?? '',
    source: event.deprecatedSource ?? {},
    firstTimestamp: event.deprecatedFirstTimestamp,
    lastTimestamp: event.deprecatedLastTimestamp,
    count: event.deprecatedCount ?? 0,
    type: event.type ?? '',
    eventTime: event.eventTime,
    action: event.action ?? '',
    related: event.related,
    reportingController: event.reportingController ?? '',
    reportingInstance: event.reportingInstance ?? '',
    series: event.series,
  };
}

const maxNameLength = 128;
const maxMessageLength = 1024;

function validateBasics(event: View, controllerField: string): FieldError[] {
  const { namespace, involvedObject } = event;
  const about = involvedObject.namespace ?? '';
  const mismatch = invalidValue(
    Path.of('involvedObject', 'namespace'),
    about,
    'does not match event.namespace',
  );
  const errors: FieldError[] = [];
  if (!event.eventTime) {
    const isRight = about === '' ? ['', 'default'].includes(namespace) : about === namespace;
    if (!isRight) errors.push(mismatch);
  } else {
    if (about === '' && !['default', 'kube-system'].includes(namespace)) errors.push(mismatch);
    errors.push(...filled(event.reportingController, Path.of(controllerField)));
    errors.push(...matches(qualifiedName, event.reportingController, Path.of(controllerField)));
    for (const field of ['reportingInstance', 'action', 'reason'] as const) {
      errors.push(...filled(event[field], Path.of(field)));
      errors.push(...atMost(event[field], maxNameLength, field));
    }
    errors.push(...atMost(event.message, maxMessageLength, 'message'));
  }
  return [...errors, ...matches(dns1123Subdomain, namespace, Path.of('namespace'))];
}

function atMost(text: string, max: number, field: string): FieldError[] {
  if (Buffer.byteLength(text) <= max) return [];
  return [invalidValue(Path.of(field), '', `can have at most ${max} characters`)];
}

function validateSeries({ series }: View): FieldError[] {
  if (!series) return [];
  const errors: FieldError[] = [];
  if ((series.count ?? 0) < 2) errors.push(invalidValue(Path.of('series.count'), '', 'should be at least 2'));
  if (!series.lastObservedTime) errors.push(required(Path.of('series.lastObservedTime')));
  return errors;
}
