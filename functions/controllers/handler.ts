/** The controllers' Lambda function: batches of the work queue, each key by its controller, failures back to the queue. */
import { systemClock } from '../../lib/clock.ts';
import { type SqsBatchResponse, type SqsEvent, workBatch } from '../../lib/queue/sqs/index.ts';
import { openControlPlane } from '../lambda/control-plane.ts';
import { onDemandPollMs } from '../lambda/freshness.ts';
import { lambdaHandler, lambdaLogger } from '../lambda/invocation.ts';
import { openQueue } from '../lambda/queue.ts';
import { readSettings } from '../lambda/settings.ts';
import { Warm } from '../lambda/warm.ts';
import { controllerClients } from './accounts.ts';
import { concurrencyOf } from './hosting.ts';
import { cloudControllers } from './cloud/index.ts';
import { connectCloud } from './cloud/connect.ts';
import { controllerEntries } from './index.ts';
import { createWorker } from './worker.ts';

const settings = readSettings(process.env);
const log = lambdaLogger('controllers', settings);
const entries = [...controllerEntries, ...cloudControllers(connectCloud(settings))];
const widthOf = concurrencyOf(entries);
const queue = openQueue(settings, (controller) => widthOf(controller) === 1);

/** All that is kept between invocations: the controllers that had work, and the informers that they read. */
const warm = new Warm(async () => {
  const { server, store, keys } = await openControlPlane(settings, log, { pollMs: onDemandPollMs });
  return createWorker({
    entries,
    ...controllerClients(server.handle),
    store,
    queue,
    clock: systemClock,
    log,
    random: Math.random,
    cluster: { clusterCidr: settings.clusterCidr, rootCa: keys.ca.certificate, signer: keys.ca },
    // Ends with the process.
    signal: new AbortController().signal,
  });
});

export const handler = lambdaHandler<SqsEvent, SqsBatchResponse>({
  name: 'controllers',
  settings,
  log,
  async run({ Records: records }, { signal, metrics }) {
    const response = await workBatch(records, {
      queue,
      signal,
      clock: systemClock,
      log,
      random: Math.random,
      concurrency: widthOf,
      // Also what a cold start takes counts as the batch's time.
      handle: async (item, stop) => (await warm.get()).handle(item, stop),
      count: (what, { controller }) => metrics.count(`Reconcile.${what}`, 1, { controller }),
    });
    await (await warm.get()).flush(signal);
    return response;
  },
});
