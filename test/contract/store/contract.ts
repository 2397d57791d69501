import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KumulusError } from '../../../lib/errors.ts';
import {
  maxBodyBytes,
  maxStoredBytes,
  type RestorableStore,
  type Store,
  StoreConflict,
} from '../../../lib/store/port.ts';
import { bytes, changesBetween, text } from '../../support/store/bodies.ts';
import { eventually } from '../../support/wait.ts';

export interface StoreUnderTest {
  store: RestorableStore;
  /** Lets so much time pass that everything but the newest revision of each type is past history. */
  age(): Promise<void>;
  close(): Promise<void>;
}

export interface StoreHarness {
  name: string;
  /** An empty store. */
  open(): Promise<StoreUnderTest>;
}

/** What `lib/store/port.ts` promises, for every adapter. */
export function describeStore(harness: StoreHarness): void {
  const withStore = (body: (store: RestorableStore, under: StoreUnderTest) => Promise<void>) => async () => {
    const under = await harness.open();
    try {
      await body(under.store, under);
    } finally {
      await under.close();
    }
  };
  const create = (key: string, body = key) => ({ op: 'create', key, body: bytes(body) }) as const;
  const replace = (key: string, expected: number, body: string) =>
    ({ op: 'replace', key, expected, body: bytes(body) }) as const;
  const remove = (key: string, expected: number, body = 'last') =>
    ({ op: 'delete', key, expected, body: bytes(body) }) as const;
  const one = async (store: Store, ...mutations: Parameters<Store['commit']>[1]) => {
    const revisions = await store.commit('pods', mutations);
    return revisions[0] as number;
  };

  describe(`versioned store: ${harness.name}`, () => {
    test(
      'gives every mutation a revision of its own, in order',
      withStore(async (store) => {
        expect(await store.head('pods')).toBe(0);
        const [a, b] = (await store.commit('pods', [create('a'), create('b')])) as [number, number];
        expect(a).toBeGreaterThan(0);
        expect(b).toBeGreaterThan(a);
        const c = await one(store, replace('a', a, 'changed'));
        expect(c).toBeGreaterThan(b);
        expect(await store.get('pods', 'a')).toEqual({ key: 'a', revision: c, body: bytes('changed') });
        const d = await one(store, remove('b', b));
        expect(d).toBeGreaterThan(c);
        expect(await store.get('pods', 'b')).toBeUndefined();
        expect(await store.head('pods')).toBe(d);
        expect(await store.commit('pods', [])).toEqual([]);
      }),
    );

    test(
      'says what stands in the way of a mutation, and changes nothing',
      withStore(async (store) => {
        const a = await one(store, create('a', 'first'));
        const head = await store.head('pods');
        const cases = [
          { mutation: create('a'), reason: 'AlreadyExists', current: a },
          { mutation: replace('a', a + 1000, 'x'), reason: 'Conflict', current: a },
          { mutation: remove('a', a + 1000), reason: 'Conflict', current: a },
          { mutation: replace('b', 1, 'x'), reason: 'NotFound', current: undefined },
          { mutation: remove('b', 1), reason: 'NotFound', current: undefined },
        ] as const;
        for (const { mutation, reason, current } of cases) {
          const error = await store.commit('pods', [create('other'), mutation]).catch((e: unknown) => e);
          expect(error).toBeInstanceOf(StoreConflict);
          expect(error).toMatchObject({ reason, key: mutation.key });
          expect((error as StoreConflict).current?.revision).toBe(current);
          expect(await store.get('pods', 'other')).toBeUndefined();
        }
        expect(text((await store.get('pods', 'a'))?.body)).toBe('first');
        expect((await store.list('pods', '')).entries).toHaveLength(1);
        const log = await changesBetween(store, 'pods', 0, await store.head('pods'));
        expect(log.map((change) => change.revision)).toEqual([a]);
        expect(await store.head('pods')).toBeGreaterThanOrEqual(head);
      }),
    );

    test(
      'refuses what it cannot hold',
      withStore(async (store) => {
        const tooLarge = { op: 'create', key: 'big', body: new Uint8Array(maxStoredBytes + 1) } as const;
        await expect(store.commit('pods', [create('a'), tooLarge])).rejects.toMatchObject({
          kind: 'RequestEntityTooLarge',
        });
        await expect(store.commit('pods', [create('a'), create('a')])).rejects.toMatchObject({
          kind: 'BadRequest',
        });
        await expect(store.commit('pods', [create('')])).rejects.toMatchObject({ kind: 'BadRequest' });
        expect((await store.list('pods', '')).entries).toEqual([]);
      }),
    );

    test(
      'holds bodies of any size up to the limit, also where they do not compress',
      withStore(async (store) => {
        const bodies = [0, 1, 300_000, 500_000, maxBodyBytes].map((size) => randomBytes(size));
        for (const [i, body] of bodies.entries()) {
          await store.commit('secrets', [{ op: 'create', key: `s${i}`, body }]);
        }
        const { entries } = await store.list('secrets', '');
        const log = await changesBetween(store, 'secrets', 0, await store.head('secrets'));
        for (const [i, body] of bodies.entries()) {
          expect(body.equals((await store.get('secrets', `s${i}`))?.body ?? bytes('none'))).toBe(true);
          expect(body.equals(entries[i]?.body ?? bytes('none'))).toBe(true);
          expect(body.equals(log[i]?.after?.body ?? bytes('none'))).toBe(true);
        }
        const largest = entries.at(-1);
        const [revision] = await store.commit('secrets', [replace('s4', largest?.revision ?? 0, 'small')]);
        const [change] = await changesBetween(store, 'secrets', largest?.revision ?? 0, revision ?? 0);
        expect(bodies[4]?.equals(change?.before?.body ?? bytes('none'))).toBe(true);
        expect(text((await store.get('secrets', 's4'))?.body)).toBe('small');
      }),
    );

    test(
      'keeps resource types apart, each with revisions of its own',
      withStore(async (store) => {
        await store.commit('pods', [create('x', 'pod')]);
        await store.commit('pods', [create('y', 'pod')]);
        await store.commit('apps/deployments', [create('x', 'deployment')]);
        expect(text((await store.get('apps/deployments', 'x'))?.body)).toBe('deployment');
        expect(await store.head('apps/deployments')).toBeLessThan(await store.head('pods'));
        expect(await store.resources()).toEqual(['apps/deployments', 'pods']);
        expect(await store.get('nodes', 'x')).toBeUndefined();
        expect(await store.list('nodes', '')).toMatchObject({ entries: [], revision: 0, more: false });
      }),
    );

    test(
      'lists a prefix in the order of UTF-8 bytes, in pages',
      withStore(async (store) => {
        const keys = ['b/2', 'a/x', 'b/10', 'b/1', 'bb/1', 'b/é', 'b/\u{ff5e}', 'b/\u{1f600}', 'b', 'c/1'];
        await store.commit(
          'pods',
          keys.map((key) => create(key)),
        );
        const wanted = ['b/1', 'b/10', 'b/2', 'b/é', 'b/\u{ff5e}', 'b/\u{1f600}'];
        const whole = await store.list('pods', 'b/');
        expect(whole.entries.map((entry) => entry.key)).toEqual(wanted);
        expect(whole.more).toBe(false);
        const first = await store.list('pods', 'b/', { limit: 4 });
        expect(first.entries.map((entry) => entry.key)).toEqual(wanted.slice(0, 4));
        expect(first.more).toBe(true);
        if (first.remaining !== undefined) expect(first.remaining).toBe(2);
        const second = await store.list('pods', 'b/', { limit: 4, after: wanted[3], at: first.revision });
        expect(second.entries.map((entry) => entry.key)).toEqual(wanted.slice(4));
        expect(second.more).toBe(false);
        expect((await store.list('pods', '')).entries).toHaveLength(keys.length);
      }),
    );

    test(
      'reads later pages at the revision of the first',
      withStore(async (store) => {
        const revisions = await store.commit(
          'pods',
          'abcdef'.split('').map((key) => create(key)),
        );
        const first = await store.list('pods', '', { limit: 2 });
        await store.commit('pods', [replace('d', revisions[3] as number, 'new')]);
        await store.commit('pods', [remove('e', revisions[4] as number)]);
        await store.commit('pods', [create('bb'), create('z')]);
        const again = await store.commit('pods', [create('e', 'reborn')]);
        await store.commit('pods', [remove('f', revisions[5] as number)]);
        const rest = await store.list('pods', '', { at: first.revision, after: 'b' });
        expect(rest.revision).toBe(first.revision);
        expect(rest.entries).toEqual(
          ['c', 'd', 'e', 'f'].map((key, i) => ({ key, revision: revisions[i + 2], body: bytes(key) })),
        );
        const page = await store.list('pods', '', { at: first.revision, after: 'b', limit: 3 });
        expect(page.entries.map(({ key }) => key)).toEqual(['c', 'd', 'e']);
        expect(page.more).toBe(true);
        const later = await store.list('pods', '', { at: again[0] as number });
        expect(later.entries.map(({ key }) => key).join()).toBe('a,b,bb,c,d,e,f,z');
      }),
    );

    test(
      'answers a list from the future as kube-apiserver does',
      withStore(async (store) => {
        const head = await one(store, create('a'));
        const error = await store.list('pods', '', { at: head + 100 }).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(KumulusError);
        expect(error).toMatchObject({
          kind: 'Timeout',
          message: `Timeout: Too large resource version: ${head + 100}, current: ${head}`,
          details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
        });
      }),
    );

    test(
      'watches every later change once and in order, with the object before and after',
      withStore(async (store) => {
        const a = await one(store, create('a', 'one'));
        const stop = new AbortController();
        const seen: unknown[] = [];
        const watching = (async () => {
          for await (const batch of store.watch('pods', a, { signal: stop.signal })) {
            for (const { key, revision, before, after, last } of batch.changes) {
              seen.push([key, revision, text(before?.body), before?.revision, text(after?.body), text(last)]);
            }
          }
        })();
        const b = await one(store, replace('a', a, 'two'));
        const c = await one(store, create('b', 'three'));
        const d = await one(store, remove('a', b, 'final'));
        await eventually('three changes', () => seen.length >= 3, { everyMs: 5 });
        stop.abort();
        await watching;
        expect(seen).toEqual([
          ['a', b, 'one', a, 'two', undefined],
          ['b', c, undefined, undefined, 'three', undefined],
          ['a', d, 'two', b, undefined, 'final'],
        ]);
      }),
    );

    test(
      'ends a watch without an error when its signal aborts, and gives a mark when there is nothing to read',
      withStore(async (store) => {
        const head = await one(store, create('a'));
        const stop = new AbortController();
        const marks: number[] = [];
        for await (const batch of store.watch('pods', head, { signal: stop.signal })) {
          expect(batch.changes).toEqual([]);
          marks.push(batch.revision);
          stop.abort();
        }
        expect(marks).toEqual([head]);
        for await (const batch of store.watch('pods', 0, { signal: stop.signal }))
          expect(batch).toBeUndefined();
      }),
    );

    test(
      'says Expired of history that it has forgotten, and still holds every object',
      withStore(async (store, under) => {
        const a = await one(store, create('a', 'kept'));
        let b = await one(store, create('b'));
        const start = b;
        for (let i = 0; i < 20; i++) b = await one(store, replace('b', b, `version ${i}`));
        const c = await one(store, create('c'));
        await one(store, remove('c', c));
        await under.age();
        b = await one(store, replace('b', b, 'newest'));
        const stop = AbortSignal.timeout(60_000);
        await eventually('a watch from the beginning to expire', async () => {
          await under.age();
          return store
            .watch('pods', start, { signal: stop })
            [Symbol.asyncIterator]()
            .next()
            .then(
              () => false,
              (error: unknown) => error instanceof KumulusError && error.kind === 'Expired',
            );
        });
        await expect(store.list('pods', '', { at: start })).rejects.toMatchObject({ kind: 'Expired' });
        const { entries } = await store.list('pods', '');
        expect(entries.map(({ key, revision, body }) => [key, revision, text(body)])).toEqual([
          ['a', a, 'kept'],
          ['b', b, 'newest'],
        ]);
        const next = await one(store, replace('b', b, 'after'));
        const [change] = await changesBetween(store, 'pods', b, next);
        expect(text(change?.before?.body)).toBe('newest');
      }),
    );

    test(
      'lets exactly one of many conditional writers win',
      withStore(async (store) => {
        let revision = await one(store, create('a', '0'));
        for (let round = 1; round <= 5; round++) {
          const expected = revision;
          const results = await Promise.allSettled(
            Array.from({ length: 8 }, (_, i) =>
              store.commit('pods', [replace('a', expected, `${round}.${i}`)]),
            ),
          );
          const winners = results.filter((result) => result.status === 'fulfilled');
          expect(winners).toHaveLength(1);
          for (const result of results) {
            if (result.status === 'rejected') expect(result.reason).toMatchObject({ reason: 'Conflict' });
          }
          revision = winners[0]?.value[0] as number;
          expect((await store.get('pods', 'a'))?.revision).toBe(revision);
        }
        const creators = await Promise.allSettled(
          Array.from({ length: 8 }, (_, i) => store.commit('pods', [create('n', String(i))])),
        );
        expect(creators.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      }),
    );

    test(
      'never gives a revision again that was advanced past',
      withStore(async (store) => {
        await store.advance('pods', 5000);
        expect(await store.head('pods')).toBe(5000);
        await store.advance('pods', 10);
        const a = await one(store, create('a'));
        expect(a).toBeGreaterThan(5000);
        await expect(changesBetween(store, 'pods', 0, a)).rejects.toMatchObject({ kind: 'Expired' });
        expect(await changesBetween(store, 'pods', 5000, a)).toHaveLength(1);
      }),
    );
  });
}
