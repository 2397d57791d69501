export { createSqsClient, type SqsCalls, sqsCallsOf } from './calls.ts';
export { forwardDelayed } from './delays.ts';
export { formatMessage, parseMessage } from './message.ts';
export { createSqsQueue, type SqsQueue } from './queue.ts';
export type { SqsBatchResponse, SqsEvent, SqsRecord } from './records.ts';
export { type WorkCount, workBatch } from './work.ts';
