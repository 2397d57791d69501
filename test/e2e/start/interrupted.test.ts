import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { clusterId, leftovers } from '../../support/leftovers.ts';
import { eventually } from '../../support/wait.ts';

const launcher = join(import.meta.dirname, '..', '..', '..', 'scripts', 'run.mjs');

test.each([
  ['before the node has its runtime', 'cluster.json'],
  ['between the runtime and the agent', 'nodes/node-1/containerd.pid'],
])('Ctrl-C while it starts, %s, leaves nothing over', async (_, madeFirst) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'kumulus-e2e-'));
  try {
    const args = ['start', '--data-dir', dataDir, '--port', String(await freePort()), '--no-install'];
    const starting = spawn(process.execPath, [launcher, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    let output = '';
    starting.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await eventually('it has begun', () => existsSync(join(dataDir, madeFirst)), { everyMs: 5 });
    // As a terminal does: the launcher and what it launched are told.
    process.kill(-(starting.pid ?? 0), 'SIGINT');
    expect(await exitCode(starting)).toBe(0);
    expect(output).toContain('kumulus: stopping (once more to leave at once)\n');
    expect(output).toMatch(/kumulus: stopped( while it started \(.*\))?\n$/);
    expect(await leftovers({ dataDir, id: clusterId(dataDir) })).toEqual([]);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

function exitCode(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.once('exit', (code) => resolve(code));
  });
}
