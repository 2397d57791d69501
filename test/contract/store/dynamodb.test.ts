import { afterAll, beforeAll } from 'vitest';
import { type DynamoDbEndpoint, startDynamoDbLocal } from '../../support/store/dynamodb-local.ts';
import { describeBackups } from './backups.ts';
import { describeStore } from './contract.ts';
import { dynamoHarness } from './dynamodb-harness.ts';
import { embedded } from './embedded-harness.ts';
import { describeHistories } from './histories.ts';

let local: DynamoDbEndpoint;
beforeAll(async () => {
  local = await startDynamoDbLocal();
});
afterAll(() => local?.stop());

const dynamodb = dynamoHarness('DynamoDB', () => local.endpoint);
describeStore(dynamodb);
describeHistories(dynamodb, 60);
describeBackups(dynamodb, dynamodb);
describeBackups(dynamodb, embedded);
describeBackups(embedded, dynamodb);
