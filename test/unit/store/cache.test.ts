import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeStored } from '../../../lib/api/stored.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { type CachedEvent, openWatchCache, type WatchCache } from '../../../lib/store/cache/index.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import type { Store } from '../../../lib/store/port.ts';
import fc from '../../support/property.ts';
import { text } from '../../support/store/bodies.ts';
import { eventually } from '../../support/wait.ts';

let dir: string;
let store: Store;
let cache: WatchCache;
let stop: AbortController;
const cacheOf = (options: { windowChanges?: number } = {}) =>
  openWatchCache({ store, clock: systemClock, log: silentLogger, ...options });
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kumulus-cache-'));
  store = await openEmbeddedStore({ dir, clock: systemClock, log: silentLogger });
  cache = cacheOf();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await cache.close();
  await store.close();
  await rm(dir, { recursive: true });
});

const pod = (name: string, color = 'red') =>
  encodeStored({ kind: 'Pod', apiVersion: 'v1', metadata: { name, namespace: 'd', labels: { color } } });
const isRed = (object: { metadata: { labels?: Record<string, string> } }) =>
  object.metadata.labels?.color === 'red';

async function write(name: string, color: string | undefined): Promise<number> {
  const key = `d/${name}`;
  const current = await store.get('pods', key);
  if (!current && color === undefined) return store.head('pods');
  const [revision = 0] = await store.commit('pods', [
    !current
      ? { op: 'create', key, body: pod(name, color) }
      : color === undefined
        ? { op: 'delete', key, body: current.body, expected: current.revision }
        : { op: 'replace', key, body: pod(name, color), expected: current.revision },
  ]);
  return revision;
}

/** Applies events as a client does, and fails where one does not fit to what is there. */
function apply(events: readonly CachedEvent[], into: Map<string, string>): void {
  for (const { type, key, revision, object, json } of events) {
    expect(object.metadata.resourceVersion).toBe(String(revision));
    expect(JSON.parse(text(json) ?? '')).toEqual(object);
    expect(into.has(key)).toBe(type !== 'ADDED');
    if (type === 'DELETED') into.delete(key);
    else into.set(key, `${revision} ${object.metadata.labels?.color}`);
  }
}

test('a watcher with a selector holds at every time what a list with it says', async () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    color: fc.constantFrom('red', 'red', 'blue', undefined),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const ending = new AbortController();
      const held = new Map<string, string>();
      const watch = await cache.watch('pods', { from: 'consistent', match: isRed, signal: ending.signal });
      const watching = (async () => {
        for await (const { events } of watch) apply(events, held);
      })();
      let revision = 0;
      for (const { name, color } of steps) revision = await write(name, color);
      await eventually('the watcher to be there', () => watch.revision() >= revision, { everyMs: 1 });
      const page = await cache.list('pods', { match: isRed });
      ending.abort();
      await watching;
      expect([...held].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(
        page.items.map((item) => [item.key, `${item.revision} ${item.object.metadata.labels?.color}`]),
      );
    }),
    { numRuns: 60 },
  );
});

test('leaving a selector is DELETED with the old state and the new resourceVersion; entering is ADDED', async () => {
  const first = await write('a', 'red');
  const watch = await cache.watch('pods', { from: first, match: isRed, signal: stop.signal });
  await write('a', 'blue');
  await write('a', 'blue');
  await write('a', 'red');
  await write('a', 'red');
  await write('a', undefined);
  const seen: string[] = [];
  for await (const { events } of watch) {
    for (const { type, revision, frame } of events) {
      const sent = JSON.parse(text(frame) ?? '') as {
        type: string;
        object: { metadata: { resourceVersion: string; labels: { color: string } } };
      };
      expect(text(frame)?.endsWith('}\n')).toBe(true);
      expect(sent.object.metadata.resourceVersion).toBe(String(revision));
      seen.push(`${type}/${sent.type} ${revision - first} ${sent.object.metadata.labels.color}`);
    }
    if (seen.length >= 4) break;
  }
  expect(seen).toEqual([
    'DELETED/DELETED 1 red',
    'ADDED/ADDED 3 red',
    'MODIFIED/MODIFIED 4 red',
    'DELETED/DELETED 5 red',
  ]);
});

test('a consistent read sees what was acknowledged before it, by whatever way', async () => {
  await cache.list('pods');
  for (let i = 0; i < 50; i++) {
    const revision = await write(`p${i}`, 'red');
    const [object, page] = await Promise.all([cache.get('pods', `d/p${i}`), cache.list('pods')]);
    expect(object?.revision).toBe(revision);
    expect(page.items).toHaveLength(i + 1);
    expect(page.revision).toBeGreaterThanOrEqual(revision);
  }
});

test('pages hold the snapshot of the first, from memory and from history alike', async () => {
  for (const windowChanges of [1000, 2]) {
    const own = cacheOf({ windowChanges });
    for (const name of 'abcdef') await write(name, 'red');
    const first = await own.list('pods', { limit: 2 });
    expect(first).toMatchObject({ more: true, remaining: 4 });
    await write('c', undefined);
    await write('bb', 'red');
    for (let i = 0; i < 5; i++) await write('d', 'blue');
    const exact = { exact: first.revision };
    const rest = await own.list('pods', { freshness: exact, after: first.items.at(-1)?.key });
    expect(rest.revision).toBe(first.revision);
    expect(rest.items.map(({ key, object }) => `${key} ${object.metadata.labels?.color}`)).toEqual(
      ['c', 'd', 'e', 'f'].map((name) => `d/${name} red`),
    );
    const blue = await own.list('pods', { freshness: exact, match: (object) => !isRed(object) });
    expect(blue.items).toEqual([]);
    const limited = await own.list('pods', { freshness: exact, match: isRed, limit: 3, after: 'd/a' });
    expect(limited.items.map(({ key }) => key)).toEqual(['d/b', 'd/c', 'd/d']);
    expect(limited.more).toBe(true);
    await write('bb', undefined);
    await own.close();
  }
});

test('a watch from before the window reads the log, and one that falls out of it expires', async () => {
  const own = cacheOf({ windowChanges: 8 });
  await own.list('pods');
  const first = await write('a', 'red');
  const slow = await own.watch('pods', { from: first, signal: stop.signal });
  for (let i = 0; i < 40; i++) await write('a', 'red');
  await own.list('pods');
  const old = await own.watch('pods', { from: first, signal: stop.signal });
  const revisions: number[] = [];
  for await (const { events } of old) {
    revisions.push(...events.map(({ revision }) => revision));
    if (revisions.length >= 40) break;
  }
  expect(revisions).toEqual(Array.from({ length: 40 }, (_, i) => first + 1 + i));
  const step = slow[Symbol.asyncIterator]().next();
  await expect(step).rejects.toMatchObject({ kind: 'Expired', message: /too old resource version/ });
  await own.close();
});

test('a revision from the future is a timeout with its cause', async () => {
  const head = await write('a', 'red');
  const tooLarge = {
    kind: 'Timeout',
    message: `Timeout: Too large resource version: ${head + 9}, current: ${head}`,
    details: { retryAfterSeconds: 1, causes: [{ reason: 'ResourceVersionTooLarge' }] },
  };
  await expect(cache.watch('pods', { from: head + 9, signal: stop.signal })).rejects.toMatchObject(tooLarge);
  await expect(cache.list('pods', { freshness: { exact: head + 9 } })).rejects.toMatchObject(tooLarge);
  await expect(cache.list('pods', { freshness: { notOlderThan: head + 9 } })).rejects.toMatchObject(tooLarge);
  const waiting = cache.list('pods', { freshness: { notOlderThan: head + 1 } });
  await write('b', 'red');
  expect((await waiting).items).toHaveLength(2);
});

test('watchers share the bytes that they send', async () => {
  const watches = await Promise.all(
    [1, 2].map(() => cache.watch('pods', { from: 'consistent', signal: stop.signal })),
  );
  await write('a', 'red');
  const frames: Uint8Array[] = [];
  for (const watch of watches) {
    for await (const { events, initialEventsEnd } of watch) {
      if (initialEventsEnd) continue;
      for (const event of events) frames.push(event.frame);
      break;
    }
  }
  expect(frames).toHaveLength(2);
  expect(frames[0]).toBe(frames[1]);
});

test('watches end without an error when they are aborted or the cache closes', async () => {
  const own = cacheOf();
  const aborted = await own.watch('pods', { from: 'any', signal: stop.signal });
  const closed = await own.watch('pods', { from: 'any', signal: new AbortController().signal });
  const batches = [aborted, closed].map(async (watch) => {
    let count = 0;
    for await (const batch of watch) if (batch.initialEventsEnd) count++;
    return count;
  });
  await eventually('both to be watching', () => own.stats()[0]?.watchers === 2, { everyMs: 1 });
  stop.abort();
  await batches[0];
  await own.close();
  expect(await Promise.all(batches)).toEqual([1, 1]);
});
