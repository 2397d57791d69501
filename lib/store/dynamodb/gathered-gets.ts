import {
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  type GetItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { Item } from './items.ts';

/** Of items of 400 KB even these stay below the 16 MB that one answer may have; the service takes 100 keys. */
const mostKeys = 32;

type Answered = Pick<GetItemCommandOutput, 'Item'>;
type Consumption = NonNullable<GetItemCommandOutput['ConsumedCapacity']>;

interface Gathered {
  name: string;
  key: Item;
  answers: PromiseWithResolvers<Answered>;
}

/**
 * Reads of single items, each strongly consistent. Those that are asked for at one moment go as one call, as whoever looks
 * at many types reads as many counters: the units are the same, and the work of a call, which is most of what a cold
 * function does, is done once. What is asked for while a call is on the way goes with the next one, so that no answer is
 * older than its question. `report` is told of each call's consumption.
 */
export function gatheredGets(
  client: DynamoDBClient,
  ReturnConsumedCapacity: 'TOTAL' | undefined,
  report: (consumed: Consumption | Consumption[] | undefined) => void,
): (input: { TableName: string; Key: Item }) => Promise<Answered> {
  const waiting = new Map<string, Map<string, Gathered>>();

  function send(TableName: string): void {
    const all = [...(waiting.get(TableName)?.values() ?? [])];
    waiting.delete(TableName);
    for (let at = 0; at < all.length; at += mostKeys) {
      const some = all.slice(at, at + mostKeys);
      const [one] = some;
      const sent = one && some.length === 1 ? readOne(TableName, one) : readMany(TableName, some);
      sent.catch((error: unknown) => {
        for (const { answers } of some) answers.reject(error);
      });
    }
  }

  async function readOne(TableName: string, { key, answers }: Gathered): Promise<void> {
    const input: GetItemCommandInput = { TableName, Key: key, ConsistentRead: true, ReturnConsumedCapacity };
    const { Item, ConsumedCapacity } = await client.send(new GetItemCommand(input));
    report(ConsumedCapacity);
    answers.resolve({ Item });
  }

  async function readMany(TableName: string, some: readonly Gathered[]): Promise<void> {
    const Keys = some.map(({ key }) => key);
    const { Responses, UnprocessedKeys, ConsumedCapacity }: BatchGetItemCommandOutput = await client.send(
      new BatchGetItemCommand({
        RequestItems: { [TableName]: { Keys, ConsistentRead: true } },
        ReturnConsumedCapacity,
      }),
    );
    report(ConsumedCapacity);
    const found = new Map((Responses?.[TableName] ?? []).map((item) => [nameOf(item), item]));
    const unread = new Set((UnprocessedKeys?.[TableName]?.Keys ?? []).map(nameOf));
    for (const { name, answers } of some) {
      if (unread.has(name)) answers.reject(throttledKey());
      else answers.resolve({ Item: found.get(name) });
    }
  }

  return ({ TableName, Key }) => {
    let gathered = waiting.get(TableName);
    if (!gathered) {
      gathered = new Map();
      waiting.set(TableName, gathered);
      setImmediate(send, TableName);
    }
    const name = nameOf(Key);
    const known = gathered.get(name) ?? { name, key: Key, answers: Promise.withResolvers<Answered>() };
    gathered.set(name, known);
    return known.answers.promise;
  };
}

/** The keys are strings, and none has a line feed in it. */
function nameOf({ pk, sk }: Item): string {
  return `${pk?.S}\n${sk?.S}`;
}

/** What the service leaves out of an answer it would have refused by itself (BatchGetItem, `UnprocessedKeys`). */
function throttledKey(): Error {
  return Object.assign(new Error('the service did not get to this key'), {
    name: 'ProvisionedThroughputExceededException',
  });
}
