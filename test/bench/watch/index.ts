import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openWatchCache } from '../../../lib/store/cache/index.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import { percentile } from '../percentile.ts';
import type { BenchResult } from '../result.ts';

const watchers = 1000;
const changesPerSecond = 100;
const seconds = 30;
const objects = 200;

/**
 * A thousand watchers on one type: half of all, half with a selector that every second change passes. A delivery is timed
 * from before the commit until the watcher holds the bytes that it would send.
 */
export async function run(): Promise<BenchResult[]> {
  const dir = await mkdtemp(join(tmpdir(), 'kumulus-bench-'));
  const store = await openEmbeddedStore({ dir, clock: systemClock, log: silentLogger });
  const cache = openWatchCache({ store, clock: systemClock, log: silentLogger });
  const stop = new AbortController();
  const committed: number[] = [];
  const delays: number[] = [];
  let delivered = 0;
  let bytes = 0;
  const idleBytes = process.memoryUsage().rss;
  try {
    const runs: Promise<void>[] = [];
    for (let i = 0; i < watchers; i++) {
      const watch = await cache.watch('pods', {
        from: 'consistent',
        match: i % 2 === 0 ? undefined : (object) => object.metadata.labels?.parity === 'even',
        signal: stop.signal,
      });
      runs.push(
        (async () => {
          for await (const batch of watch) {
            for (const event of batch.events) {
              bytes += event.frame.length;
              delivered++;
              delays.push(performance.now() - (committed[event.revision] ?? 0));
            }
          }
        })(),
      );
    }
    let most = 0;
    const cpu = process.cpuUsage();
    const began = performance.now();
    let expected = 0;
    const revisions: number[] = [];
    for (let i = 0; i < changesPerSecond * seconds; i++) {
      const dueMs = began + (i * 1000) / changesPerSecond;
      while (performance.now() < dueMs) await systemClock.sleep(Math.max(1, dueMs - performance.now()));
      // The only writer, so that revisions are known before they are given.
      committed[i + 1] = performance.now();
      const parity = i % 2 === 0 ? 'even' : 'odd';
      const key = `bench/p${i % objects}`;
      const body = pod(`p${i % objects}`, parity);
      const before = revisions[i % objects];
      [revisions[i % objects] = 0] = await store.commit('pods', [
        before === undefined ? { op: 'create', key, body } : { op: 'replace', key, body, expected: before },
      ]);
      expected += parity === 'even' ? watchers : watchers / 2;
      most = Math.max(most, process.memoryUsage().rss);
    }
    const deadline = performance.now() + 10_000;
    while (delivered < expected && performance.now() < deadline) await systemClock.sleep(10);
    const took = performance.now() - began;
    const used = process.cpuUsage(cpu);
    stop.abort();
    await Promise.all(runs);
    return [
      { name: 'events delivered, share', value: delivered / expected, unit: '', target: '= 1' },
      { name: 'delivery, p50', value: percentile(delays, 0.5), unit: 'ms' },
      { name: 'delivery, p99', value: percentile(delays, 0.99), unit: 'ms', target: '< 250' },
      { name: 'events a second', value: delivered / (took / 1000), unit: '1/s' },
      { name: 'bytes a second', value: bytes / 2 ** 20 / (took / 1000), unit: 'MiB/s' },
      { name: 'processor', value: (used.user + used.system) / 1000 / took, unit: 'cores' },
      { name: 'resident memory more than idle', value: (most - idleBytes) / 2 ** 20, unit: 'MiB' },
    ];
  } finally {
    stop.abort();
    await cache.close();
    await store.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function pod(name: string, parity: string): Uint8Array {
  const metadata = {
    name,
    namespace: 'bench',
    labels: { parity },
    annotations: { filler: 'x'.repeat(1800) },
  };
  return Buffer.from(JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata, spec: {} }));
}
