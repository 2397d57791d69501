import { afterAll, beforeAll } from 'vitest';
import type { DynamoDbEndpoint } from '../../support/store/dynamodb-local.ts';
import { startMiniStack } from '../../support/store/ministack.ts';
import { describeBackups } from './backups.ts';
import { describeStore } from './contract.ts';
import { dynamoHarness } from './dynamodb-harness.ts';
import { describeHistories } from './histories.ts';

/** Another implementation of the same API: what holds on both leans on no accident of one. */
let miniStack: DynamoDbEndpoint;
beforeAll(async () => {
  miniStack = await startMiniStack();
});
afterAll(() => miniStack?.stop());

const dynamodb = dynamoHarness('DynamoDB of MiniStack', () => miniStack.endpoint);
describeStore(dynamodb);
describeHistories(dynamodb, 30);
describeBackups(dynamodb, dynamodb);
