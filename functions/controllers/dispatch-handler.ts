/** The dispatch function: from the table's stream, log entries only, to the keys that each change concerns. */
import { SNSClient } from '@aws-sdk/client-sns';
import { createInformers } from '../../lib/client/informers.ts';
import type { ChangeNotice } from '../../lib/client/notices.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { EmbeddedMetrics } from '../../lib/metrics/emf.ts';
import { createNodeQueueSender } from '../../lib/node-queue/sender.ts';
import type { WorkItem } from '../../lib/queue/port.ts';
import { createSqsClient } from '../../lib/queue/sqs/index.ts';
import { createStreamReader, type StreamRecord } from '../../lib/store/dynamodb/index.ts';
import { dynamoCalls, openControlPlane } from '../lambda/control-plane.ts';
import { onDemandPollMs } from '../lambda/freshness.ts';
import { lambdaHandler, lambdaLogger } from '../lambda/invocation.ts';
import { openQueue, schedulerName } from '../lambda/queue.ts';
import { readSettings } from '../lambda/settings.ts';
import { Warm } from '../lambda/warm.ts';
import { cycleKey, schedulerWakes } from '../scheduler/wakes.ts';
import { controllerClients } from './accounts.ts';
import { cloudControllers, unreachableCloud } from './cloud/index.ts';
import { nodeChanges } from './cloud/node-changes.ts';
import { objectChange, watchedResources } from './changes.ts';
import { deferredItem } from './deferred.ts';
import { createDispatcher } from './dispatcher.ts';
import { controllerEntries } from './index.ts';
import { readOrBury } from './readable.ts';

/** `ReportBatchItemFailures` of a stream: the batch is read again from the first that is named. */
interface StreamBatchResponse {
  batchItemFailures: { itemIdentifier: string }[];
}

const settings = readSettings(process.env);
const log = lambdaLogger('dispatch', settings);
const entries = [...controllerEntries, ...cloudControllers(unreachableCloud(settings)), nodeChanges];
const serial = new Set(entries.filter((entry) => entry.concurrency === 1).map(({ name }) => name));
const queue = openQueue(settings, (controller) => serial.has(controller));

const toNodes = createNodeQueueSender({
  sqs: createSqsClient({}),
  sns: new SNSClient({}),
  cluster: settings.cluster,
  siblingUrl: settings.queues.delays,
  topicArn: settings.nodes.topicArn,
  clock: systemClock,
});

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
  const { server, opener } = await openControlPlane(settings, log, { pollMs: onDemandPollMs });
  const { client } = controllerClients(server.handle);
  const informers = createInformers(client, { clock: systemClock, log });
  await informers.start(new AbortController().signal);
  const dispatcher = await createDispatcher({
    entries,
    client,
    informers,
    clock: systemClock,
    log,
    random: Math.random,
    others: [scheduler],
  });
  const readSealed = createStreamReader({
    calls: dynamoCalls(),
    table: settings.table,
    clock: systemClock,
    log,
  });
  const read = async (record: StreamRecord) => {
    const found = await readSealed(record);
    return found && { ...found, change: await opener.change(found.resource, found.change) };
  };
  return { dispatcher, read, resources: watchedResources([...dispatcher.controllers]) };
});

/** What cannot be sent is left to the lists that nodes make every so often: it must not hold up the work that follows. */
async function tellNodes(
  told: ReadonlyMap<string, Map<string, ChangeNotice>>,
  metrics: EmbeddedMetrics,
): Promise<void> {
  const notices = new Map([...told].map(([node, its]) => [node, [...its.values()]]));
  try {
    await toNodes(notices);
    metrics.count('NoticesSent', notices.size);
  } catch (error) {
    metrics.count('NoticesLost', notices.size);
    log.error({ err: error }, 'nodes could not be told of changes');
  }
}

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
    /** By node, and there by object: of several changes the last. */
    const told = new Map<string, Map<string, ChangeNotice>>();
    const tell = (node: string, notice: ChangeNotice) => {
      const its = told.get(node) ?? new Map<string, ChangeNotice>();
      told.set(node, its.set(`${notice.resource}\n${notice.key}`, notice));
    };

    for (const record of records) {
      const change = await readOrBury(
        () => read(record),
        async (error) => {
          metrics.count('Malformed');
          log.error({ eventID: record.eventID, reason: messageOf(error) }, 'malformed record: a dead letter');
          await queue.bury(JSON.stringify({ malformedRecord: record.eventID ?? '' }), 'malformed');
        },
      );
      const resource = change && resources.get(change.resource);
      if (!change || !resource) continue;
      const { revision } = change.change;
      const cause = `${change.resource}@${revision}`;
      const { items, deferred } = await dispatcher.map(resource, objectChange(change.change));
      for (const item of items) {
        if (item.controller !== nodeChanges.name) note(item, cause);
        else
          tell(item.key, {
            resource: change.resource,
            key: change.change.key,
            revision,
            deleted: !change.change.after,
          });
      }
      for (const controller of deferred)
        note(deferredItem({ controller, resource: change.resource, revision }), cause);
    }
    await Promise.all([queue.addAll([...found.values()]), tellNodes(told, metrics)]);
    metrics.count('Records', records.length);
    metrics.count('Items', found.size);
    return { batchItemFailures: [] };
  },
});
