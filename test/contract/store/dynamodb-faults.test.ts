import { expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { KumulusError } from '../../../lib/errors.ts';
import { silentLogger } from '../../../lib/log.ts';
import { type DynamoCalls, openDynamoStore } from '../../../lib/store/dynamodb/index.ts';
import { type Change, type Mutation, type Store, StoreConflict } from '../../../lib/store/port.ts';
import { bytes, changesBetween } from '../../support/store/bodies.ts';
import { useDynamoTable } from '../../support/store/dynamodb-table.ts';
import { Crashed, seeded, withFaults } from '../../support/store/faults.ts';
import { tearingService } from '../../support/store/tearing-service.ts';
import { recordHistory } from '../../support/store/history.ts';

/** One schedule alone: `KUMULUS_STORE_SEED=17 npm run test:contract -- dynamodb-faults`. */
const onlySeed = process.env.KUMULUS_STORE_SEED;
const schedules = 1000;
/** Schedules under way at once; each has a resource type of its own. */
const atOnce = 8;
const keys = ['a', 'b', 'c'];

/** Waits as the system does, a fifth as long. */
const hastyClock: Clock = { now: systemClock.now, sleep: (ms, signal) => systemClock.sleep(ms / 5, signal) };

const { table, calls: callsOf } = useDynamoTable('faults');

const openStore = (calls: DynamoCalls, random: () => number): Store =>
  openDynamoStore({
    calls,
    table,
    clock: hastyClock,
    log: silentLogger,
    random,
    pollMs: { busy: 5, idle: 20 },
  });

/** Two writers and readers with everything that can happen to them, and a watcher; returns what is wrong afterwards. */
async function runSchedule(seed: number): Promise<string[]> {
  const random = seeded(seed);
  const resource = `s${seed}`;
  const service = tearingService({ random: seeded(seed * 17), longestMs: 20 });
  const callsOfProcess = () => service.calls(callsOf());
  const healthy = openStore(callsOfProcess(), seeded(seed));
  let serial = 0;
  const stores = [0, 1, 2].map((i) => {
    const ownRandom = seeded(seed * 31 + i);
    const options = { random: ownRandom, rate: 0.15, crashRate: i === 0 ? 0.03 : 0.005, delayMs: 8 };
    return openStore(withFaults(callsOfProcess(), options), ownRandom);
  });
  const histories = recordHistory(healthy, isCertainlyAbsent);
  const watched: Change[] = [];
  const stop = new AbortController();
  const watching = follow(stores[2] as Store, resource, watched, stop.signal);

  await Promise.all(
    stores.map(async (store) => {
      const known = new Map<string, number>();
      try {
        for (let step = 0; step < 5; step++) {
          const choice = random();
          if (choice < 0.15) await tolerate(() => histories.over(store).list(resource, ''));
          else if (choice < 0.3) {
            const key = keys[Math.floor(random() * keys.length)] as string;
            await tolerate(async () => {
              known.set(key, (await histories.over(store).get(resource, key))?.revision ?? 0);
            });
          } else {
            const count = random() < 0.25 ? 2 : 1;
            const start = Math.floor(random() * keys.length);
            const mutations = Array.from({ length: count }, (_, i): Mutation => {
              const key = keys[(start + i) % keys.length] as string;
              const expected = known.get(key);
              const body = bytes(`${seed}.${serial++}`);
              if (!expected) return { op: 'create', key, body };
              return { op: random() < 0.25 ? 'delete' : 'replace', key, body, expected };
            });
            await tolerate(
              async () => {
                const revisions = await histories.over(store).commit(resource, mutations);
                for (const [i, { key, op }] of mutations.entries()) {
                  known.set(key, op === 'delete' ? 0 : (revisions[i] ?? 0));
                }
              },
              (conflict) => known.set(conflict.key, conflict.current?.revision ?? 0),
            );
          }
        }
      } catch (error) {
        if (!isCrash(error)) throw error;
      }
    }),
  );
  const head = await healthy.head(resource);
  const log = await changesBetween(healthy, resource, 0, head);
  stop.abort();
  await watching;
  const found = histories.violations(resource, log);
  for (const [i, change] of watched.entries()) {
    if (change.revision !== log[i]?.revision || change.key !== log[i]?.key) {
      found.push(
        `the watch yielded ${change.key} at ${change.revision} where the log has ${log[i]?.revision}`,
      );
      break;
    }
  }
  if ((await healthy.head(resource)) !== head) found.push('the head moved after everybody had gone');
  const newest = await healthy.list(resource, '');
  if (newest.revision !== head) found.push(`the newest list is at ${newest.revision}, not ${head}`);
  await healthy.close();
  return found;
}

/** Watches on through every fault from where it was, until its process dies. */
async function follow(store: Store, resource: string, into: Change[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const batch of store.watch(resource, into.at(-1)?.revision ?? 0, { signal })) {
        into.push(...batch.changes);
      }
    } catch (error) {
      if (isCrash(error)) return;
      if (!(error instanceof KumulusError)) throw error;
    }
  }
}

async function tolerate(
  work: () => Promise<unknown>,
  onConflict?: (conflict: StoreConflict) => void,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof StoreConflict) onConflict?.(error);
    else if (isCrash(error)) throw error;
    else if (!(error instanceof KumulusError)) throw error;
  }
}

function isCrash(error: unknown): boolean {
  return error instanceof Crashed || (error instanceof Error && error.cause instanceof Crashed);
}

/** Conflicts and throttling promise that nothing was written; of everything else nobody can tell. */
function isCertainlyAbsent(error: unknown): boolean {
  return (
    error instanceof StoreConflict || (error instanceof KumulusError && error.kind === 'TooManyRequests')
  );
}

test(`${schedules} schedules of faults leave no history that cannot be explained`, async () => {
  const seeds = onlySeed ? [Number(onlySeed)] : Array.from({ length: schedules }, (_, i) => i + 1);
  const broken: Record<string, string[]> = {};
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
        const found = await runSchedule(seed).catch((error: unknown) => [String(error)]);
        if (found.length > 0) broken[`KUMULUS_STORE_SEED=${seed}`] = found;
      }
    }),
  );
  expect(broken).toEqual({});
}, 1_800_000);
