import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import {
  callsOf,
  createDynamoClient,
  ensureTable,
  openDynamoStore,
} from '../../../lib/store/dynamodb/index.ts';
import { localCredentials } from '../../support/store/dynamodb-local.ts';
import { storeOfOwnTypes } from '../../support/store/types-of-its-own.ts';
import type { StoreHarness } from './contract.ts';

/** Each store has a table of its own at what `endpoint` answers by then, or types of its own in a `shared` one. */
export function dynamoHarness(name: string, endpoint: () => string, shared?: () => string): StoreHarness {
  return {
    name,
    async open() {
      const client = createDynamoClient({ endpoint: endpoint(), ...localCredentials });
      const table = shared?.() ?? `t-${randomUUID()}`;
      await ensureTable(client, table, { mustExist: shared !== undefined });
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
        store: shared ? storeOfOwnTypes(store, `${randomUUID()}.`) : store,
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
}
