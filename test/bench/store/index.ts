import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openWatchCache } from '../../../lib/store/cache/index.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import type { Store } from '../../../lib/store/port.ts';
import { percentile } from '../percentile.ts';
import type { BenchResult } from '../result.ts';
import { connectEtcd } from './etcd-client.ts';
import { type Etcd, startEtcd } from './etcd.ts';

const sizeBytes = 2048;
const objects = 20_000;
const runMs = 4000;
const rounds = 3;

/**
 * The embedded store beside etcd: same disk, same run, both durable before they answer, in interleaved rounds of
 * which the median counts. Ours runs in the process that calls it, as it does in Kumulus; etcd is behind its gRPC, driven by
 * as many processes as give it the most.
 */
export async function run(): Promise<BenchResult[]> {
  const dir = await mkdtemp(join(tmpdir(), 'kumulus-bench-'));
  const store = await openEmbeddedStore({ dir: join(dir, 'store'), clock: systemClock, log: silentLogger });
  const etcd = await startEtcd(dir, (line) => console.error(`kumulus: ${line}`));
  try {
    const results: BenchResult[] = [];
    for (const [writers, target] of [
      [1, 1.5],
      [32, 1.3],
    ] as const) {
      const ours: number[] = [];
      const theirs: number[] = [];
      for (let round = 0; round < rounds; round++) {
        ours.push(await updates(store, writers, round));
        if (etcd) theirs.push(await etcdUpdates(etcd, writers, round));
      }
      const name = `conditional updates, ${writers} ${writers === 1 ? 'writer' : 'writers'}`;
      results.push(beside(name, median(ours), 'ops/s', median(theirs), `>= ${target} times etcd`));
    }
    results.push(
      beside(
        'create 20,000 objects',
        await creates(store),
        's',
        etcd && (await etcdCreates(etcd)),
        undefined,
        'less',
      ),
    );
    const [raw, cached] = await ranges(store);
    const theirs = etcd && (await etcdRange(etcd));
    results.push(
      beside('range read of 20,000, warm cache', cached, 'ms', theirs, '>= 20 times etcd', 'less'),
    );
    results.push(beside('range read of 20,000, from disk', raw, 'ms', theirs, undefined, 'less'));
    results.push({ name: 'watch delivery, p99', value: await delivery(store), unit: 'ms' });
    results.push({ name: 'resident memory', value: process.memoryUsage().rss / 2 ** 20, unit: 'MiB' });
    return results;
  } finally {
    await etcd?.stop();
    await store.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function beside(
  name: string,
  value: number,
  unit: string,
  peer: number | undefined,
  target?: string,
  better: 'more' | 'less' = 'more',
): BenchResult {
  if (peer === undefined || Number.isNaN(peer)) return { name, value, unit, target };
  const ratio = better === 'more' ? value / peer : peer / value;
  return { name, value, unit, target, peer: { name: 'etcd', value: peer }, ratio };
}

function body(key: string): Buffer {
  const head = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"${key}","namespace":"bench","annotations":{"filler":"`;
  const tail = '"}},"spec":{}}';
  return Buffer.from(head + 'x'.repeat(sizeBytes - head.length - tail.length) + tail);
}

async function updates(store: Store, writers: number, round: number): Promise<number> {
  const keys = Array.from({ length: writers }, (_, i) => `update/${writers}-${round}-${i}`);
  const first = await Promise.all(
    keys.map((key) => store.commit('updates', [{ op: 'create', key, body: body(key) }])),
  );
  let done = 0;
  const began = performance.now();
  await Promise.all(
    keys.map(async (key, i) => {
      let expected = first[i]?.[0] ?? 0;
      const bytes = body(key);
      while (performance.now() - began < runMs) {
        [expected = 0] = await store.commit('updates', [{ op: 'replace', key, body: bytes, expected }]);
        done++;
      }
    }),
  );
  return (done / (performance.now() - began)) * 1000;
}

/** The most of one, two and four processes. */
async function etcdUpdates(etcd: Etcd, writers: number, round: number): Promise<number> {
  const figures: number[] = [];
  for (const processes of writers === 1 ? [1] : [1, 2, 4]) {
    const first = (writers * 100 + round * 10 + processes) * 1000;
    figures.push(await etcd.updates(writers, { first, ms: runMs / 2, sizeBytes, processes }));
  }
  return Math.max(...figures);
}

async function creates(store: Store): Promise<number> {
  const began = performance.now();
  await each(objects, 64, (i) =>
    store.commit('pods', [{ op: 'create', key: `bench/o${i}`, body: body(`o${i}`) }]),
  );
  return (performance.now() - began) / 1000;
}

async function etcdCreates(etcd: Etcd): Promise<number> {
  const client = connectEtcd(etcd.address);
  const began = performance.now();
  await each(objects, 64, (i) => client.put(`range/o${i}`, body(`o${i}`), 0));
  client.close();
  return (performance.now() - began) / 1000;
}

/** From disk, and from the cache up to date with the head, both until the last byte is in hand. */
async function ranges(store: Store): Promise<[number, number]> {
  const cache = openWatchCache({ store, clock: systemClock, log: silentLogger });
  await cache.list('pods', { prefix: 'bench/' });
  const raw = await fastest(async () =>
    (await store.list('pods', 'bench/')).entries.map((entry) => entry.body),
  );
  const cached = await fastest(async () =>
    (await cache.list('pods', { prefix: 'bench/' })).items.map((item) => item.json),
  );
  await cache.close();
  return [raw, cached];
}

async function etcdRange(etcd: Etcd): Promise<number> {
  const client = connectEtcd(etcd.address);
  const ms = await fastest(() => client.range('range/'));
  client.close();
  return ms;
}

/** Milliseconds from a commit's call to a watcher holding the change, beside 16 writers. */
async function delivery(store: Store): Promise<number> {
  const cache = openWatchCache({ store, clock: systemClock, log: silentLogger });
  const stop = new AbortController();
  const watch = await cache.watch('events', { from: 'consistent', signal: stop.signal });
  const sent = new Map<string, number>();
  const samples: number[] = [];
  const watching = (async () => {
    for await (const batch of watch) {
      for (const { key } of batch.events) samples.push(performance.now() - (sent.get(key) ?? 0));
    }
  })();
  await each(5000, 16, (i) => {
    sent.set(`e/${i}`, performance.now());
    return store.commit('events', [{ op: 'create', key: `e/${i}`, body: body(`e${i}`) }]);
  });
  await cache.list('events', { prefix: 'none/' });
  stop.abort();
  await watching;
  await cache.close();
  return percentile(samples, 0.99);
}

async function each(count: number, atOnce: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let i = next++; i < count; i = next++) await work(i);
    }),
  );
}

async function fastest(read: () => Promise<Uint8Array[]>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const began = performance.now();
    const bodies = await read();
    times.push(performance.now() - began);
    if (bodies.length !== objects) throw new Error(`read ${bodies.length} of ${objects} objects`);
  }
  return median(times);
}

function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}
