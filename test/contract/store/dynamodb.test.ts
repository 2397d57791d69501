import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import {
  callsOf,
  createDynamoClient,
  ensureTable,
  openDynamoStore,
} from '../../../lib/store/dynamodb/index.ts';
import {
  type DynamoDbLocal,
  localCredentials,
  startDynamoDbLocal,
} from '../../support/store/dynamodb-local.ts';
import { describeBackups } from './backups.ts';
import { describeStore, type StoreHarness } from './contract.ts';
import { describeHistories } from './histories.ts';

let local: DynamoDbLocal;
beforeAll(async () => {
  local = await startDynamoDbLocal();
});
afterAll(() => local?.stop());

const dynamodb: StoreHarness = {
  name: 'DynamoDB',
  async open() {
    const client = createDynamoClient({ endpoint: local.endpoint, ...localCredentials });
    const table = `t-${randomUUID()}`;
    await ensureTable(client, table);
    let aheadMs = 0;
    const clock: Clock = { now: () => systemClock.now() + aheadMs, sleep: systemClock.sleep };
    const store = openDynamoStore({
      calls: callsOf(client),
      table,
      clock,
      log: silentLogger,
      historyMs: 300_000,
      pollMs: { busy: 5, idle: 50 },
    });
    return {
      store,
      age: async () => {
        aheadMs += 400_000;
      },
      async close() {
        await store.close();
        client.destroy();
      },
    };
  },
};

describeStore(dynamodb);
describeHistories(dynamodb, 60);
describeBackups(dynamodb, dynamodb);
