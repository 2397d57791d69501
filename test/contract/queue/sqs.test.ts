import { randomUUID } from 'node:crypto';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import {
  createSqsClient,
  createSqsQueue,
  forwardDelayed,
  parseMessage,
  sqsCallsOf,
  workBatch,
} from '../../../lib/queue/sqs/index.ts';
import { createQueues, type Mapping, mapEvents, peek } from '../../support/queue/sqs.ts';
import { type MiniStack, startMiniStack } from '../../support/store/ministack.ts';
import { describeQueue } from './contract.ts';

let emulator: MiniStack;
let client: SQSClient;

beforeAll(async () => {
  emulator = await startMiniStack({ services: ['sqs'] });
  client = createSqsClient({
    endpoint: emulator.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
});

afterAll(async () => {
  client.destroy();
  await emulator.stop();
});

describeQueue({
  name: 'SQS on MiniStack',
  allTriesMs: 1_000,
  async open() {
    const queues = await createQueues(client, randomUUID());
    const stopping = new AbortController();
    const { signal } = stopping;
    const queue = createSqsQueue({
      calls: sqsCallsOf(client),
      clock: systemClock,
      queueUrl: () => queues.work,
      delayQueueUrl: queues.delays,
      deadLetterQueueUrl: queues.dead,
      isSerial: () => false,
    });
    const mappings: Mapping[] = [
      mapEvents(
        client,
        queues.delays,
        (records) => forwardDelayed(records, { queue, clock: systemClock, log: silentLogger, signal }),
        { pollers: 1 },
      ),
    ];
    return {
      queue,
      consume(handle) {
        const mapping = mapEvents(client, queues.work, (records) =>
          workBatch(records, {
            queue,
            handle,
            signal,
            clock: systemClock,
            log: silentLogger,
            random: Math.random,
            concurrency: () => 5,
            backoff: { baseMs: 5, maxMs: 50 },
            maxTries: 4,
          }),
        );
        mappings.push(mapping);
        return () => mapping.stop();
      },
      deadLetters: async () =>
        (await peek(client, queues.dead)).map(({ Body = '' }) => parseMessage(Body).item),
      advance: (ms) => systemClock.sleep(ms),
      close: async () => {
        await Promise.all(mappings.map((mapping) => mapping.stop()));
        stopping.abort();
      },
    };
  },
});
