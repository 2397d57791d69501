/** The scheduler's Lambda function: woken by its queue, one at a time, with a warm snapshot brought up to the head. */
import { join } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import type { WorkResult } from '../../lib/queue/port.ts';
import { type SqsBatchResponse, type SqsEvent, workBatch } from '../../lib/queue/sqs/index.ts';
import { openControlPlane } from '../lambda/control-plane.ts';
import { onDemandPollMs } from '../lambda/freshness.ts';
import { lambdaHandler, lambdaLogger } from '../lambda/invocation.ts';
import { openQueue } from '../lambda/queue.ts';
import { readSettings } from '../lambda/settings.ts';
import { Warm } from '../lambda/warm.ts';
import { readConfiguration } from './config/parse.ts';
import { openScheduler } from './index.ts';

const settings = readSettings(process.env);
const log = lambdaLogger('scheduler', settings);
const queue = openQueue(settings, () => true);
const { schedulerConfigFile } = settings;
/** Read as the function starts, so that one with a configuration that is wrong does not start at all. */
const configuration =
  schedulerConfigFile && (await readConfiguration(join(import.meta.dirname, schedulerConfigFile)));

/** All that is kept between invocations: the snapshot, and which pods wait for what. */
const warm = new Warm(async () => {
  const { clientFor } = await openControlPlane(settings, log, { pollMs: onDemandPollMs });
  return openScheduler({
    client: clientFor('system:kube-scheduler'),
    clock: systemClock,
    log,
    ...(configuration && { settings: configuration }),
    // Ends with the process.
    signal: new AbortController().signal,
  });
});

async function cycle(signal: AbortSignal): Promise<WorkResult> {
  const { scheduler, flush } = await warm.get();
  await scheduler.catchUp();
  await scheduler.drain(signal);
  await flush();
  const next = scheduler.queue.nextReadyMs();
  if (signal.aborted) return { outcome: 'requeueAfter', delayMs: 0 };
  if (next === undefined) return { outcome: 'done' };
  return { outcome: 'requeueAfter', delayMs: Math.max(1, next - systemClock.now()) };
}

export const handler = lambdaHandler<SqsEvent, SqsBatchResponse>({
  name: 'scheduler',
  settings,
  log,
  run: ({ Records: records }, { signal, metrics }) =>
    workBatch(records, {
      queue,
      signal,
      clock: systemClock,
      log,
      random: Math.random,
      concurrency: () => 1,
      handle: () => cycle(signal),
      count: (what) => metrics.count(`Cycle.${what}`),
    }),
});
