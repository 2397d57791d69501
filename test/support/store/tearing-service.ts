import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DynamoCalls } from '../../../lib/store/dynamodb/index.ts';

type Item = Record<string, AttributeValue>;

/** An item of a transaction that is under way. */
interface Held {
  /** Whether reads still show the item as it was. */
  isLate: boolean;
  before: Item | undefined;
}

export interface TearingService {
  /** The calls of one more client of the same service. */
  calls(real: DynamoCalls): DynamoCalls;
  /** From now on no transaction is answered until the returned function is called. */
  holdAnswers(): () => void;
}

/**
 * What DynamoDB documents and DynamoDB Local does not do ("Amazon DynamoDB Transactions: How it works"): until a transaction
 * is answered, reads see the new state of some of its items and the old state of others, and writes to any of them are
 * refused as in conflict. Which items come late and for how long is drawn from `random`; where it is one
 * half, these are the objects.
 */
export function tearingService(options: { random: () => number; longestMs: number }): TearingService {
  const { random, longestMs } = options;
  const held = new Map<string, Held>();
  let gate: Promise<void> = Promise.resolve();

  const refuseTransaction = (names: readonly string[]) => {
    if (!names.some((name) => held.has(name))) return;
    throw Object.assign(new Error('cancelled'), {
      name: 'TransactionCanceledException',
      CancellationReasons: names.map((name) => ({ Code: held.has(name) ? 'TransactionConflict' : 'None' })),
    });
  };
  const refuseHeld = (key: Item | undefined) => {
    if (held.has(nameOf(key)))
      throw Object.assign(new Error('a transaction is under way'), { name: 'TransactionConflictException' });
  };

  const calls = (real: DynamoCalls): DynamoCalls => ({
    async get(input) {
      const output = await real.get(input);
      const late = held.get(nameOf(input.Key));
      return late?.isLate ? { ...output, Item: late.before } : output;
    },
    async query(input) {
      const output = await real.query(input);
      const Items = output.Items?.map((item) => {
        const late = held.get(nameOf(item));
        return late?.isLate ? late.before : item;
      }).filter((item) => item !== undefined);
      return { ...output, Items };
    },
    async transactGet(input) {
      const names = (input.TransactItems ?? []).map(({ Get }) => nameOf(Get?.Key));
      refuseTransaction(names);
      const output = await real.transactGet(input);
      // One that has begun meanwhile is met by this one, or comes after it; that the answer shows it already is neither.
      refuseTransaction(names);
      return output;
    },
    async put(input) {
      refuseHeld(input.Item);
      return real.put(input);
    },
    async update(input) {
      refuseHeld(input.Key);
      return real.update(input);
    },
    async remove(input) {
      refuseHeld(input.Key);
      return real.remove(input);
    },
    async transact(input) {
      const puts = (input.TransactItems ?? []).flatMap(({ Put }) => Put ?? []);
      const names = puts.map(({ Item }) => nameOf(Item));
      refuseTransaction(names);
      // Drawn at once, so that it does not depend on the service's speed.
      const waitMs = random() * longestMs;
      const draws = names.map((name) => ({ name, isLate: random() < (name.startsWith('o#') ? 0.6 : 0.3) }));
      for (const { name } of draws) held.set(name, { isLate: false, before: undefined });
      try {
        for (const [i, { name, isLate }] of draws.entries()) {
          if (!isLate) continue;
          const { TableName = '', Item } = puts[i] ?? {};
          const Key = { pk: Item?.pk, sk: Item?.sk } as Item;
          const { Item: before } = await real.get({ TableName, Key, ConsistentRead: true });
          held.set(name, { isLate, before });
        }
        const output = await real.transact(input);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        await gate;
        return output;
      } finally {
        for (const name of names) held.delete(name);
      }
    },
  });

  return {
    calls,
    holdAnswers() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
  };
}

function nameOf(key: Item | undefined): string {
  return `${key?.pk?.S} ${key?.sk?.S}`;
}
