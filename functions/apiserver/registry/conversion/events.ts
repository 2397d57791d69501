import type { CoreV1Event, EventsV1Event, ObjectReference } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { Conversion } from './index.ts';

/** events.k8s.io/v1 over core/v1 Events (KEP-383): the same facts under other names. */
export const eventConversion: Conversion = {
  toServed(stored) {
    const {
      involvedObject,
      message,
      source,
      count,
      firstTimestamp,
      lastTimestamp,
      reportingComponent,
      ...rest
    } = stored as unknown as CoreV1Event;
    return compact({
      ...rest,
      apiVersion: 'events.k8s.io/v1',
      regarding: involvedObject,
      note: message,
      reportingController: reportingComponent,
      deprecatedSource: source,
      deprecatedCount: count,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
    });
  },
  toStored(served) {
    const {
      regarding,
      note,
      reportingController,
      deprecatedSource,
      deprecatedCount,
      deprecatedFirstTimestamp,
      deprecatedLastTimestamp,
      ...rest
    } = served as unknown as EventsV1Event;
    return compact({
      ...rest,
      apiVersion: 'v1',
      involvedObject: regarding ?? ({} as ObjectReference),
      message: note,
      source: deprecatedSource,
      count: deprecatedCount,
      firstTimestamp: deprecatedFirstTimestamp,
      lastTimestamp: deprecatedLastTimestamp,
      reportingComponent: reportingController,
    });
  },
};

function compact(object: object): KubeObject {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as unknown as KubeObject;
}
