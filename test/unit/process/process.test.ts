import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { identify, isAlive, readPidFile, writePidFile } from '../../../lib/process/identity.ts';
import { CommandFailed, runCommand } from '../../../lib/process/run.ts';
import { stopProcess } from '../../../lib/process/stop.ts';
import { supervise } from '../../../lib/process/supervise.ts';
import { eventually } from '../../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'kumulus-process-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('a command', () => {
  test('answers with its output and takes its input', async () => {
    expect(await runCommand('cat', [], { input: 'in and out' })).toBe('in and out');
  });

  test('that fails says how, with both outputs', async () => {
    const failure = runCommand('sh', ['-c', 'echo out; echo why >&2; exit 3']);
    await expect(failure).rejects.toThrow(CommandFailed);
    await expect(failure).rejects.toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: 'why\n' });
  });

  test('that does not exist, or takes too long, fails too', async () => {
    await expect(runCommand('/no/such/command', [])).rejects.toThrow(/ENOENT/);
    await expect(runCommand('sleep', ['60'], { timeoutMs: 50 })).rejects.toThrow(CommandFailed);
    const beganMs = Date.now();
    await expect(runCommand('sh', ['-c', 'sleep 120 & wait'], { timeoutMs: 50 })).rejects.toThrow(
      CommandFailed,
    );
    expect(Date.now() - beganMs).toBeLessThan(100_000);
  });
});

describe('a pid file', () => {
  test('names a process for as long as that very process runs', async () => {
    const file = join(work, 'sleep.pid');
    const child = spawn('sleep', ['60']);
    writePidFile(file, child.pid ?? 0);
    expect(readPidFile(file)).toEqual(identify(child.pid ?? 0));
    // The same pid with another start time is another process.
    writeFileSync(join(work, 'other.pid'), readFileSync(file, 'utf8').replace(/ \d+ /, ' 1 '));
    expect(readPidFile(join(work, 'other.pid'))).toBeUndefined();
    child.kill('SIGKILL');
    await eventually('the process gone', () => readPidFile(file) === undefined);
  });

  test('that is not there names nobody', () => {
    expect(readPidFile(join(work, 'none.pid'))).toBeUndefined();
  });
});

test('a process that ignores SIGTERM is killed when its grace is over', async () => {
  const child = spawn('sh', ['-c', "trap '' TERM; echo ready; while :; do sleep 1; done"], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const identity = identify(child.pid ?? 0);
  if (!identity) throw new Error('it does not run');
  expect(await stopProcess(identity, { clock: systemClock, graceMs: 100 })).toBe('killed');
  expect(isAlive(identity)).toBe(false);
});

describe('a supervised process', () => {
  const options = (name: string, script: string) => ({
    name,
    command: 'sh',
    args: ['-c', script],
    stdio: 'ignore' as const,
    pidFile: join(work, `${name}.pid`),
    ready: () => Promise.resolve(true),
    readyWithinMs: 5_000,
    hint: 'see the test',
    clock: systemClock,
    log: silentLogger,
  });

  test('is started again when it ends, and stays away once it is stopped', async () => {
    const supervised = await supervise(options('again', 'exec sleep 60'));
    const first = supervised.pid;
    process.kill(first, 'SIGKILL');
    await eventually(
      'another process',
      () => supervised.pid !== first && identify(supervised.pid) !== undefined,
    );
    const last = identify(supervised.pid);
    await supervised.stop(1_000);
    expect(last && isAlive(last)).toBe(false);
    expect(readPidFile(join(work, 'again.pid'))).toBeUndefined();
  });

  test('of an earlier start is gone on with', async () => {
    const before = await supervise(options('adopted', 'exec sleep 60'));
    const { pid } = before;
    before.release();
    const adopted = await supervise({ ...options('adopted', 'exit 1'), adopt: identify(pid) });
    expect(adopted.pid).toBe(pid);
    await adopted.stop(1_000);
  });

  test('that ends before it is ready is an error that says where to look', async () => {
    const failing = supervise({ ...options('failing', 'exit 1'), ready: () => Promise.resolve(false) });
    await expect(failing).rejects.toThrow('failing ended while starting: see the test');
  });
});
