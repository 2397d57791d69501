import {
  DynamoDBClient,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  TransactGetItemsCommand,
  type TransactGetItemsCommandInput,
  type TransactGetItemsCommandOutput,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { gatheredGets } from './gathered-gets.ts';
import type { Item } from './items.ts';

/** The calls of DynamoDB that the store makes, one attempt each; retries are the store's own. */
export interface DynamoCalls {
  /** Those of one moment may be one call, and are reported as one. */
  get(input: { TableName: string; Key: Item; ConsistentRead: true }): Promise<{ Item?: Item }>;
  put(input: PutItemCommandInput): Promise<unknown>;
  update(input: UpdateItemCommandInput): Promise<UpdateItemCommandOutput>;
  remove(input: DeleteItemCommandInput): Promise<unknown>;
  query(input: QueryCommandInput): Promise<QueryCommandOutput>;
  transact(input: TransactWriteItemsCommandInput): Promise<unknown>;
  transactGet(input: TransactGetItemsCommandInput): Promise<TransactGetItemsCommandOutput>;
}

/** What one call cost, as the service reports it. */
export interface Consumed {
  call: keyof DynamoCalls;
  capacityUnits: number;
}

export interface DynamoClientOptions {
  /** Absent: AWS, with the region and credentials of the environment. */
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

/** A client that tries once: a retry with the SDK's own would hide an answer that got lost. */
export function createDynamoClient({ endpoint, region, credentials }: DynamoClientOptions): DynamoDBClient {
  const client = new DynamoDBClient({ endpoint, region, credentials, maxAttempts: 1 });
  // It copies all that is sent and received for a log that nobody keeps: a quarter of the work of a query.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}

export function callsOf(client: DynamoDBClient, onConsumed?: (consumed: Consumed) => void): DynamoCalls {
  const ReturnConsumedCapacity = onConsumed ? 'TOTAL' : undefined;
  const consumed = (call: keyof DynamoCalls, capacities: Capacity | Capacity[] | undefined) => {
    for (const capacity of [capacities ?? []].flat()) {
      onConsumed?.({ call, capacityUnits: capacity.CapacityUnits ?? 0 });
    }
  };
  const report = <T extends { ConsumedCapacity?: Capacity | Capacity[] }>(
    call: keyof DynamoCalls,
    output: T,
  ): T => {
    consumed(call, output.ConsumedCapacity);
    return output;
  };
  return {
    get: gatheredGets(client, ReturnConsumedCapacity, (capacities) => consumed('get', capacities)),
    put: async (input) =>
      report('put', await client.send(new PutItemCommand({ ...input, ReturnConsumedCapacity }))),
    update: async (input) =>
      report('update', await client.send(new UpdateItemCommand({ ...input, ReturnConsumedCapacity }))),
    remove: async (input) =>
      report('remove', await client.send(new DeleteItemCommand({ ...input, ReturnConsumedCapacity }))),
    query: async (input) =>
      report('query', await client.send(new QueryCommand({ ...input, ReturnConsumedCapacity }))),
    transact: async (input) =>
      report(
        'transact',
        await client.send(new TransactWriteItemsCommand({ ...input, ReturnConsumedCapacity })),
      ),
    transactGet: async (input) =>
      report(
        'transactGet',
        await client.send(new TransactGetItemsCommand({ ...input, ReturnConsumedCapacity })),
      ),
  };
}

interface Capacity {
  CapacityUnits?: number;
}
