import {
  DynamoDBClient,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  GetItemCommand,
  type GetItemCommandInput,
  type GetItemCommandOutput,
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

/** The calls of DynamoDB that the store makes, one attempt each; retries are the store's own. */
export interface DynamoCalls {
  get(input: GetItemCommandInput): Promise<GetItemCommandOutput>;
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
  return new DynamoDBClient({ endpoint, region, credentials, maxAttempts: 1 });
}

export function callsOf(client: DynamoDBClient, onConsumed?: (consumed: Consumed) => void): DynamoCalls {
  const ReturnConsumedCapacity = onConsumed ? 'TOTAL' : undefined;
  const report = <T extends { ConsumedCapacity?: Capacity | Capacity[] }>(
    call: keyof DynamoCalls,
    output: T,
  ): T => {
    for (const capacity of [output.ConsumedCapacity ?? []].flat()) {
      onConsumed?.({ call, capacityUnits: capacity.CapacityUnits ?? 0 });
    }
    return output;
  };
  return {
    get: async (input) =>
      report('get', await client.send(new GetItemCommand({ ...input, ReturnConsumedCapacity }))),
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
