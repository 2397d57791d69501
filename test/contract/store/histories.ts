import { describe, expect, test } from 'vitest';
import { KumulusError } from '../../../lib/errors.ts';
import { type Mutation, StoreConflict } from '../../../lib/store/port.ts';
import fc from '../../support/property.ts';
import { bytes, changesBetween } from '../../support/store/bodies.ts';
import { recordHistory } from '../../support/store/history.ts';
import type { StoreHarness } from './contract.ts';

/** What one client does next; which revision it expects is what it last saw of the key. */
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      ops: fc.uniqueArray(
        fc.record({
          key: fc.constantFrom('a/1', 'a/2', 'b/1', 'b/2', 'c'),
          op: fc.constantFrom('create' as const, 'replace' as const, 'replace' as const, 'delete' as const),
        }),
        { selector: ({ key }) => key, minLength: 1, maxLength: 3 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('get' as const),
      key: fc.constantFrom('a/1', 'a/2', 'b/1', 'c'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('list' as const), prefix: fc.constantFrom('', 'a/', 'b/') }),
  },
);
const clients = fc.array(fc.array(step, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 5 });

/** Concurrent clients on few keys, checked against the log for linearizability. */
export function describeHistories(harness: StoreHarness, runs: number): void {
  describe(`histories: ${harness.name}`, () => {
    test('concurrent writers, readers and watchers agree with one order of changes', async () => {
      let serial = 0;
      const under = await harness.open();
      const { store } = under;
      let run = 0;
      try {
        await fc.assert(
          fc.asyncProperty(clients, async (programs) => {
            const resource = `type${run++}`;
            const history = recordHistory(store, (error) => isConflict(error) || isGivenUp(error));
            await Promise.all(
              programs.map(async (program) => {
                const known = new Map<string, number>();
                for (const next of program) {
                  if (next.kind === 'list') {
                    const page = await history.list(resource, next.prefix);
                    for (const { key, revision } of page.entries) known.set(key, revision);
                  } else if (next.kind === 'get') {
                    known.set(next.key, (await history.get(resource, next.key))?.revision ?? 0);
                  } else {
                    const mutations = next.ops.map(({ key, op }): Mutation => {
                      const body = bytes(`${serial++}`);
                      return op === 'create'
                        ? { op, key, body }
                        : { op, key, body, expected: known.get(key) ?? 1 };
                    });
                    await history.commit(resource, mutations).then(
                      (revisions) => {
                        for (const [i, { key }] of mutations.entries()) known.set(key, revisions[i] ?? 0);
                      },
                      (error: unknown) => {
                        if (isConflict(error)) known.set(error.key, error.current?.revision ?? 0);
                        else if (!isGivenUp(error)) throw error;
                      },
                    );
                  }
                }
              }),
            );
            const log = await changesBetween(store, resource, 0, await store.head(resource));
            expect(history.violations(resource, log)).toEqual([]);
          }),
          { numRuns: runs },
        );
      } finally {
        await under.close();
      }
    }, 900_000);
  });
}

function isConflict(error: unknown): error is StoreConflict {
  return error instanceof StoreConflict;
}

/**
 * An adapter may give a commit up after bounded tries, where a machine is so slow that others settle its revisions each
 * time. That is no violation as long as nothing of the commit is there, which the log is asked for.
 */
function isGivenUp(error: unknown): boolean {
  return error instanceof KumulusError && error.kind === 'TooManyRequests';
}
