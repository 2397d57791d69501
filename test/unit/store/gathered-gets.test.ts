import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { callsOf, createDynamoClient, openDynamoStore } from '../../../lib/store/dynamodb/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { listen } from '../../support/listen.ts';

interface Key {
  pk: { S: string };
  sk: { S: string };
}

/** A service of counters, which may get to a part of what it is asked for, as DynamoDB may. What each call asked for: */
let asked: string[][];
/** How many keys of one call are answered. */
let atOnce: number;
let endpoint: string;
let close: () => void;

beforeEach(async () => {
  asked = [];
  atOnce = Number.POSITIVE_INFINITY;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const input = JSON.parse(await text(request)) as {
      Key?: Key;
      RequestItems?: Record<string, { Keys: Key[]; ConsistentRead?: boolean }>;
      ConsistentRead?: boolean;
    };
    const [[table, { Keys: keys = [], ConsistentRead: isConsistent = input.ConsistentRead } = {}] = []] =
      Object.entries<{ Keys?: Key[]; ConsistentRead?: boolean }>(input.RequestItems ?? { one: {} });
    const all = input.Key ? [input.Key] : keys;
    asked.push(all.map(({ pk }) => pk.S));
    const items = all.slice(0, atOnce).map((key) => {
      const revision = { N: String(key.pk.S.length) };
      return { ...key, head: revision, floor: revision };
    });
    response.writeHead(isConsistent ? 200 : 400, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(
      JSON.stringify(
        input.Key
          ? { Item: items[0] }
          : {
              Responses: { [table ?? '']: items.reverse() },
              UnprocessedKeys: all.length > atOnce ? { [table ?? '']: { Keys: all.slice(atOnce) } } : {},
            },
      ),
    );
  };
  const server = createServer((request, response) => void answer(request, response));
  endpoint = `http://127.0.0.1:${await listen(server)}`;
  close = () => server.close();
});
afterEach(() => close());

function open() {
  const credentials = { accessKeyId: 'x', secretAccessKey: 'x' };
  const client = createDynamoClient({ endpoint, region: 'us-east-1', credentials });
  return { calls: callsOf(client), done: () => client.destroy() };
}

const read = (pk: string, TableName = 'table') => ({
  TableName,
  Key: { pk: { S: pk }, sk: { S: 'rv' } },
  ConsistentRead: true as const,
});
const headOf = ({ Item }: { Item?: Record<string, { N?: string }> }) => Number(Item?.head?.N);

test('what is read at one moment is one call, each with its own answer, and the same key once', async () => {
  const { calls, done } = open();
  const answers = await Promise.all(['a', 'bb', 'a', 'ccc'].map((pk) => calls.get(read(pk))));
  expect(answers.map(headOf)).toEqual([1, 2, 1, 3]);
  expect(asked).toEqual([['a', 'bb', 'ccc']]);
  done();
});

test('a key that the service did not get to is throttled, and the others are answered', async () => {
  const { calls, done } = open();
  atOnce = 2;
  const answers = await Promise.allSettled(['a', 'bb', 'ccc'].map((pk) => calls.get(read(pk))));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(answers[2]).toMatchObject({ reason: { name: 'ProvisionedThroughputExceededException' } });
  done();
});

test('and is read again by the store', async () => {
  const { calls, done } = open();
  atOnce = 2;
  const store = openDynamoStore({ calls, table: 'table', clock: systemClock, log: silentLogger });
  const types = ['', 'pods', 'services', 'nodes', 'leases'];
  expect(await Promise.all(types.map((type) => store.head(type)))).toEqual([2, 6, 10, 7, 8]);
  expect(asked[0]).toHaveLength(types.length);
  await store.close();
  done();
});

test('what is asked for while a call is on its way is not answered by it', async () => {
  const { calls, done } = open();
  const first = calls.get(read('a'));
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.all([first, calls.get(read('a')), calls.get(read('a', 'other'))]);
  expect(asked).toEqual([['a'], ['a'], ['a']]);
  done();
});
