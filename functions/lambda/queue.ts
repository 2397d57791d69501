import { systemClock } from '../../lib/clock.ts';
import { createSqsClient, createSqsQueue, type SqsQueue, sqsCallsOf } from '../../lib/queue/sqs/index.ts';
import type { LambdaSettings } from './settings.ts';

/** The scheduler's name in the work queue, where it is one more controller with a queue of its own. */
export const schedulerName = 'scheduler';

export function openQueue(
  { queues }: Pick<LambdaSettings, 'queues'>,
  isSerial: (controller: string) => boolean,
): SqsQueue {
  return createSqsQueue({
    calls: sqsCallsOf(createSqsClient({})),
    clock: systemClock,
    queueUrl: (controller) => (controller === schedulerName ? queues.scheduler : queues.work),
    delayQueueUrl: queues.delays,
    deadLetterQueueUrl: queues.deadLetters,
    isSerial: (controller) => controller === schedulerName || isSerial(controller),
  });
}
