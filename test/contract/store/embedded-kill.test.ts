import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import { text } from '../../support/store/bodies.ts';

const kills = 200;
const worker = join(import.meta.dirname, '../../support/store/kill-worker.ts');

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kumulus-kill-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface Acknowledged {
  revision: number;
  /** What the body begins with, or `gone`. */
  serial: string;
}

test(`a store that is killed ${kills} times under load keeps what it acknowledged, and pairs whole`, async () => {
  const acknowledged = new Map<string, Acknowledged>();
  let serial = 0;
  let acknowledgements = 0;
  for (let kill = 0; kill < kills; kill++) {
    // Spread over the start, the first writes and the middle of the load.
    const lines = await runAndKill(serial, (kill * 7) % 120);
    serial += 1_000_000;
    for (const [key = '', revision, body = ''] of lines.map((line) => line.split(' '))) {
      acknowledged.set(key, { revision: Number(revision), serial: body });
    }
    acknowledgements += lines.length;
    await check(acknowledged);
  }
  expect(acknowledgements).toBeGreaterThan(kills);
}, 1_200_000);

/** Starts the worker, kills it `afterLines` acknowledgements later, and returns what it had acknowledged. */
function runAndKill(serial: number, afterLines: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [worker, dir, String(serial)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    let lines = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk;
      lines += chunk.toString().split('\n').length - 1;
      if (lines > afterLines) child.kill('SIGKILL');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (signal !== 'SIGKILL')
        return reject(new Error(`the worker ended with ${code ?? signal}: ${errors}`));
      // A line that the kill cut short was not told to anybody.
      const whole = output.slice(0, output.lastIndexOf('\n') + 1);
      resolve(whole.split('\n').filter((line) => line !== '' && line !== 'open'));
    });
  });
}

async function check(acknowledged: Map<string, Acknowledged>): Promise<void> {
  const store = await openEmbeddedStore({ dir, clock: systemClock, log: silentLogger });
  try {
    const { entries, revision: head } = await store.list('things', '');
    const present = new Map(entries.map((entry) => [entry.key, entry]));
    const unexplained = new Map<string, number>();
    for (const [key, { revision, serial }] of acknowledged) {
      const entry = present.get(key);
      const writer = key.split('/')[0] ?? '';
      if (!entry && serial !== 'gone') unexplained.set(writer, (unexplained.get(writer) ?? 0) + 1);
      expect(head).toBeGreaterThanOrEqual(revision);
      // What came after the last acknowledgement may be there too, but nothing from before it.
      if (entry) expect(entry.revision).toBeGreaterThanOrEqual(revision);
      if (entry?.revision === revision) expect(text(entry.body)?.split(' ')[0]).toBe(serial);
    }
    for (const [key, entry] of present) {
      const [writer, name] = key.split('/') as [string, string];
      const twin = name.startsWith('pair') ? `${writer}/${name.slice(4)}` : `${writer}/pair${name}`;
      expect(text(present.get(twin)?.body)).toBe(text(entry.body));
      expect(entry.revision).toBeLessThanOrEqual(head);
    }
    // Only the one commit that a writer had under way may have deleted its pair without being acknowledged.
    for (const keys of unexplained.values()) expect(keys).toBeLessThanOrEqual(2);
    // From here on, what is there counts as known, a deletion without an acknowledgement included.
    for (const key of acknowledged.keys()) if (!present.has(key)) acknowledged.delete(key);
    for (const { key, revision, body } of entries) {
      acknowledged.set(key, { revision, serial: text(body)?.split(' ')[0] ?? '' });
    }
  } finally {
    await store.close();
  }
}

test('a log without gaps and with true states before is what a killed store comes back with', async () => {
  for (let kill = 0; kill < 5; kill++) {
    await runAndKill(kill * 1_000_000, 200);
    const database = new DatabaseSync(join(dir, 'store.sqlite'));
    expect(database.prepare('PRAGMA integrity_check').get()?.integrity_check).toBe('ok');
    const dangling = database
      .prepare(
        `SELECT count(*) AS n FROM current c WHERE NOT EXISTS
           (SELECT 1 FROM revision v WHERE v.id = ((c.resource << 40) | c.revision) AND v.key = c.key AND v.kind = 1)`,
      )
      .get()?.n;
    expect(dangling).toBe(0);
    const lost = database
      .prepare(
        `SELECT count(*) AS n FROM revision v JOIN resource r ON r.id = (v.id >> 40)
         WHERE (v.id & 0xffffffffff) > r.horizon AND v.previous > 0
           AND NOT EXISTS (SELECT 1 FROM revision b WHERE b.id = ((r.id << 40) | v.previous) AND b.key = v.key)`,
      )
      .get()?.n;
    expect(lost).toBe(0);
    database.close();
  }
}, 300_000);
