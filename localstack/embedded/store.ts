import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { openEmbeddedStore } from '../../lib/store/embedded/index.ts';
import type { RestorableStore } from '../../lib/store/port.ts';

export const storeKinds = ['embedded', 'dynamodb'] as const;
export type StoreKind = (typeof storeKinds)[number];

export interface StoreOptions {
  kind: StoreKind;
  /** Of the embedded store. */
  dir: string;
  /** Of DynamoDB: `http://localhost:4566` for an emulator; absent, the one that the AWS configuration of the environment names. */
  endpoint?: string;
  /** DynamoDB's table; made when it is not there, unless it must be there. */
  table: string;
  mustExist?: boolean;
  clock: Clock;
  log: Logger;
}

/** `close` ends the store and its connections. */
export async function openStore(
  options: StoreOptions,
): Promise<{ store: RestorableStore; close(): Promise<void> }> {
  const { kind, dir, endpoint, table, mustExist = false, clock, log } = options;
  if (kind === 'embedded') {
    const store = await openEmbeddedStore({ dir, clock, log });
    return { store, close: () => store.close() };
  }
  // Loaded here, because the AWS SDK would slow down every start that does not use it.
  const { callsOf, createDynamoClient, ensureTable, openDynamoStore } = await import(
    '../../lib/store/dynamodb/index.ts'
  );
  const client = createDynamoClient({ ...(endpoint && emulator(endpoint)) });
  try {
    await ensureTable(client, table, { mustExist });
  } catch (cause) {
    client.destroy();
    const where = endpoint ? ` at ${endpoint}` : '';
    throw new Error(
      `DynamoDB${where} cannot be used: ${messageOf(cause)}. Is --endpoint right, and does it run?`,
      {
        cause,
      },
    );
  }
  const store = openDynamoStore({ calls: callsOf(client), table, clock, log });
  return {
    store,
    async close() {
      await store.close();
      client.destroy();
    },
  };
}

/** Emulators ask for a region and credentials as AWS does, and take any. */
function emulator(endpoint: string) {
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_PROFILE } = process.env;
  return {
    endpoint,
    region: AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1',
    ...(!AWS_ACCESS_KEY_ID &&
      !AWS_PROFILE && { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }),
  };
}
