import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import {
  callsOf,
  type Consumed,
  createDynamoClient,
  type DynamoCalls,
  ensureTable,
} from '../../../lib/store/dynamodb/index.ts';
import { type DynamoDbEndpoint, localCredentials, startDynamoDbLocal } from './dynamodb-local.ts';

/** A table of the calling test file's own on a DynamoDB of its own, there while its tests run. */
export function useDynamoTable(name: string): {
  table: string;
  /** As one process has them; tells what each call was charged. */
  calls(onConsumed?: (consumed: Consumed) => void): DynamoCalls;
} {
  const table = `${name}-${randomUUID()}`;
  let local: DynamoDbEndpoint | undefined;
  let client: ReturnType<typeof createDynamoClient> | undefined;
  beforeAll(async () => {
    local = await startDynamoDbLocal();
    client = createDynamoClient({ endpoint: local.endpoint, ...localCredentials });
    await ensureTable(client, table);
  });
  afterAll(async () => {
    client?.destroy();
    await local?.stop();
  });
  return {
    table,
    calls(onConsumed) {
      if (!client) throw new Error('there is no table before the tests have begun');
      return callsOf(client, onConsumed);
    },
  };
}
