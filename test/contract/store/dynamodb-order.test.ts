import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { type DynamoCalls, openDynamoStore } from '../../../lib/store/dynamodb/index.ts';
import { logKey } from '../../../lib/store/dynamodb/items.ts';
import type { Store } from '../../../lib/store/port.ts';
import { bytes, changesBetween } from '../../support/store/bodies.ts';
import { useDynamoTable } from '../../support/store/dynamodb-table.ts';
import { Crashed } from '../../support/store/faults.ts';
import { tearingService } from '../../support/store/tearing-service.ts';

/** Whoever is shown a revision may watch from it: nothing with a lesser one may appear afterwards. */

const { table, calls: callsOf } = useDynamoTable('order');

/** As another process would open it. */
const open = (calls: DynamoCalls = callsOf()): Store =>
  openDynamoStore({ calls, table, clock: systemClock, log: silentLogger, pollMs: { busy: 5, idle: 20 } });

const create = (key: string) => ({ op: 'create', key, body: bytes(key) }) as const;

/** A process that has taken a revision and whose transaction only goes out once it is let go. */
function heldWriter(): { store: Store; isHeld: Promise<void>; letGo: () => void } {
  const calls = callsOf();
  const held = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const transact: DynamoCalls['transact'] = async (input) => {
    held.resolve();
    await gate.promise;
    return calls.transact(input);
  };
  return { store: open({ ...calls, transact }), isHeld: held.promise, letGo: gate.resolve };
}

let resource: string;
beforeEach(() => {
  resource = `r${randomUUID()}`;
});

test('a watch from the revision of an acknowledged write misses no write that was slower', async () => {
  const slow = heldWriter();
  const other = open();
  const writing = slow.store.commit(resource, [create('slow')]);
  await slow.isHeld;
  const [shown = 0] = await other.commit(resource, [create('fast')]);
  slow.letGo();
  const [late = 0] = await writing;
  expect(late).toBeGreaterThan(shown);
  expect((await changesBetween(other, resource, shown, late)).map(({ key }) => key)).toEqual(['slow']);
});

test('a watch from the revision that a get has shown misses no write that was slower', async () => {
  const slow = heldWriter();
  const writing = slow.store.commit(resource, [create('slow')]);
  await slow.isHeld;
  // This process dies with its transaction done, so that it settles nothing itself.
  const calls = callsOf();
  let isDead = false;
  const alive =
    <I, O>(call: (input: I) => Promise<O>) =>
    async (input: I): Promise<O> => {
      if (isDead) throw new Crashed('the process is dead');
      return call(input);
    };
  const dying = open({
    get: alive(calls.get),
    put: alive(calls.put),
    update: alive(calls.update),
    remove: alive(calls.remove),
    query: alive(calls.query),
    transactGet: alive(calls.transactGet),
    transact: alive(async (input) => {
      const answer = await calls.transact(input);
      isDead = true;
      return answer;
    }),
  });
  await dying.commit(resource, [create('fast')]).catch(() => undefined);
  const reader = open();
  const shown = (await reader.get(resource, 'fast'))?.revision ?? 0;
  expect(shown).toBeGreaterThan(0);
  slow.letGo();
  const [late = 0] = await writing;
  expect(late).toBeGreaterThan(shown);
  expect((await changesBetween(reader, resource, shown, late)).map(({ key }) => key)).toEqual(['slow']);
});

test('what one reader saw pending and another has settled meanwhile is not taken for compacted', async () => {
  const slow = heldWriter();
  const calls = callsOf();
  const seenPending = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  let logQueries = 0;
  const reader = open({
    ...calls,
    async query(input) {
      const output = await calls.query(input);
      const isOfLog = input.ExpressionAttributeValues?.[':from'] !== undefined;
      if (isOfLog && ++logQueries === 1) {
        seenPending.resolve();
        await answer.promise;
      }
      return output;
    },
  });
  const writing = slow.store.commit(resource, [create('slow')]);
  await slow.isHeld;
  const first = reader.list(resource, '');
  await seenPending.promise;
  slow.letGo();
  const [revision = 0] = await writing;
  expect(await reader.list(resource, '')).toMatchObject({ revision, entries: [{ key: 'slow' }] });
  answer.resolve();
  expect(await first).toMatchObject({ revision, entries: [{ key: 'slow' }] });
});

test('a list shows what the log says, though the object is not to be seen in a scan yet', async () => {
  const service = tearingService({ random: () => 0.5, longestMs: 0 });
  const writer = open(service.calls(callsOf()));
  const [first = 0] = await writer.commit(resource, [create('a')]);
  const answered = service.holdAnswers();
  const writing = writer.commit(resource, [
    { op: 'replace', key: 'a', body: bytes('changed'), expected: first },
  ]);
  const reader = open(service.calls(callsOf()));
  const changes = await changesBetween(reader, resource, 0, first + 1);
  expect(changes).toMatchObject([{ key: 'a' }, { key: 'a', before: { revision: first } }]);
  const { entries, revision } = await reader.list(resource, '');
  expect(revision).toBe(first + 1);
  expect(entries).toEqual([{ key: 'a', revision, body: bytes('changed') }]);
  const got = reader.get(resource, 'a');
  answered();
  expect(await got).toEqual({ key: 'a', revision, body: bytes('changed') });
  expect(await writing).toEqual([revision]);
});

test('a process that stood still for longer than entries live does not take what is gone for never written', async () => {
  const calls = callsOf();
  const writer = open();
  const [from = 0] = await writer.commit(resource, [create('seen')]);
  const [lost = 0] = await writer.commit(resource, [create('lost')]);
  let stoodStillMs = 0;
  const reader = openDynamoStore({
    calls: {
      ...calls,
      async query(input) {
        // Between the counter and the log: the process goes on when the entry's time to live has ended.
        stoodStillMs = 3 * 600_000;
        await calls.remove({ TableName: table, Key: logKey(resource, lost) });
        return calls.query(input);
      },
    },
    table,
    clock: { now: () => systemClock.now() + stoodStillMs, sleep: systemClock.sleep },
    log: silentLogger,
  });
  await expect(changesBetween(reader, resource, from, lost)).rejects.toMatchObject({ kind: 'Expired' });
});

test('a head wakes each watch of its process that is behind it, though another has come that far', async () => {
  let aheadMs = 0;
  const reader = openDynamoStore({
    calls: callsOf(),
    table,
    clock: { ...systemClock, now: () => systemClock.now() + aheadMs },
    log: silentLogger,
    // It reads the log when it is asked for the head, and at no other time within this test.
    pollMs: { busy: 600_000, idle: 600_000 },
  });
  const writer = open();
  const { signal } = new AbortController();
  await writer.commit(resource, [create('first')]);
  const behind = reader.watch(resource, 0, { signal })[Symbol.asyncIterator]();
  await behind.next();
  const waiting = behind.next();
  const [newest = 0] = await writer.commit(resource, [create('second')]);
  // Too long after it was read for the next watch to begin with the counter as the first has seen it.
  aheadMs = 1000;
  for await (const { revision } of reader.watch(resource, newest - 1, { signal })) {
    expect(revision).toBe(newest);
    break;
  }
  expect(await reader.head(resource)).toBe(newest);
  const { value } = await waiting;
  expect(value).toMatchObject({ revision: newest, changes: [{ key: 'second' }] });
  await reader.close();
});
