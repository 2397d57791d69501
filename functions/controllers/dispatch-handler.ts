/** The dispatch function: from the table's stream, log entries only, to the keys that each change concerns. */
import { createInformers } from '../../lib/client/informers.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { WorkItem } from '../../lib/queue/port.ts';
import { createStreamReader, type StreamRecord } from '../../lib/store/dynamodb/index.ts';
import { dynamoCalls, openControlPlane } from '../lambda/control-plane.ts';
import { onDemandPollMs } from '../lambda/freshness.ts';
import { lambdaHandler, lambdaLogger } from '../lambda/invocation.ts';
import { openQueue, schedulerName } from '../lambda/queue.ts';
import { readSettings } from '../lambda/settings.ts';
import { Warm } from '../lambda/warm.ts';
import { cycleKey, schedulerWakes } from '../scheduler/wakes.ts';
import { controllerClients } from './accounts.ts';
import { objectChange, watchedResources } from './changes.ts';
import { deferredItem } from './deferred.ts';
import { createDispatcher } from './dispatcher.ts';
import { controllerEntries } from './index.ts';

/** `ReportBatchItemFailures` of a stream: the batch is read again from the first that is named. */
interface StreamBatchResponse {
  batchItemFailures: { itemIdentifier: string }[];
}

const settings = readSettings(process.env);
const log = lambdaLogger('dispatch', settings);
const serial = new Set(controllerEntries.filter((entry) => entry.concurrency === 1).map(({ name }) => name));
const queue = openQueue(settings, (controller) => serial.has(controller));

const scheduler = {
  name: schedulerName,
  watches: schedulerWakes.map(({ resource, wakes }) => ({
    resource,
    keys: (change: Parameters<typeof wakes>[0]) => (wakes(change) ? [cycleKey] : []),
  })),
  reconcile: () => Promise.reject(new Error('the scheduler has a function of its own')),
};

/** All that is kept between batches: how changes are mapped, and the objects that some mappings read. */
const warm = new Warm(async () => {
  const { server } = await openControlPlane(settings, log, { pollMs: onDemandPollMs });
  const { client } = controllerClients(server.handle);
  const informers = createInformers(client, { clock: systemClock, log });
  await informers.start(new AbortController().signal);
  const dispatcher = await createDispatcher({
    entries: controllerEntries,
    client,
    informers,
    clock: systemClock,
    log,
    random: Math.random,
    others: [scheduler],
  });
  const read = createStreamReader({ calls: dynamoCalls(), table: settings.table, clock: systemClock, log });
  return { dispatcher, read, resources: watchedResources([...dispatcher.controllers]) };
});

export const handler = lambdaHandler<{ Records: StreamRecord[] }, StreamBatchResponse>({
  name: 'dispatch',
  settings,
  log,
  async run({ Records: records }, { metrics }) {
    const { dispatcher, read, resources } = await warm.get();
    dispatcher.beginBatch();
    const found = new Map<string, { item: WorkItem; cause: string }>();
    const note = (item: WorkItem, cause: string) =>
      found.set(`${item.controller}\n${item.key}`, { item, cause });

    for (const record of records) {
      let change: Awaited<ReturnType<typeof read>>;
      try {
        change = await read(record);
      } catch (error) {
        // It will not become readable: the resync repairs what it may have said.
        metrics.count('Malformed');
        log.error({ eventID: record.eventID, reason: messageOf(error) }, 'malformed record: a dead letter');
        await queue.bury(JSON.stringify({ malformedRecord: record.eventID ?? '' }), 'malformed');
        continue;
      }
      const resource = change && resources.get(change.resource);
      if (!change || !resource) continue;
      const { revision } = change.change;
      const cause = `${change.resource}@${revision}`;
      const { items, deferred } = await dispatcher.map(resource, objectChange(change.change));
      for (const item of items) note(item, cause);
      for (const controller of deferred)
        note(deferredItem({ controller, resource: change.resource, revision }), cause);
    }
    await queue.addAll([...found.values()]);
    metrics.count('Records', records.length);
    metrics.count('Items', found.size);
    return { batchItemFailures: [] };
  },
});
