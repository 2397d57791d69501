import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageArchive } from '../../../../node-agent/images/archive.ts';
import { pauseProgram } from '../../../../node-agent/images/pause.ts';
import { writeTar } from '../../../../node-agent/images/tar.ts';
import { eventually } from '../../../support/wait.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kumulus-images-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('tar', () => {
  it('is read by tar itself', async () => {
    const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`;
    const archive = writeTar([
      { type: 'directory', path: 'bin', mode: 0o755 },
      { type: 'file', path: 'bin/run', mode: 0o4755, content: Buffer.from('x'.repeat(513)), uid: 7 },
      { type: 'symlink', path: 'bin/link', target: 'run' },
      { type: 'file', path: long, mode: 0o600, content: new Uint8Array() },
    ]);
    const file = join(dir, 'a.tar');
    await writeFile(file, archive);
    const lines = execFileSync('tar', ['--numeric-owner', '-tvf', file]).toString('utf8').trim().split('\n');
    expect(
      lines.map((line) =>
        line
          .split(/\s+/)
          .filter((_, i) => ![3, 4].includes(i))
          .join(' '),
      ),
    ).toEqual([
      'drwxr-xr-x 0/0 0 bin/',
      '-rwsr-xr-x 7/0 513 bin/run',
      'lrwxrwxrwx 0/0 0 bin/link -> run',
      `-rw------- 0/0 0 ${long}`,
    ]);
  });

  it('refuses what does not fit its fields', () => {
    const content = new Uint8Array();
    expect(() => writeTar([{ type: 'file', path: 'p'.repeat(101), mode: 0, content }])).toThrow(
      'longer than 100',
    );
  });
});

describe('an image archive', () => {
  it('is the same for the same description', () => {
    const image = { name: 'a:1', architecture: 'amd64' as const, layer: [], config: { cmd: ['x'] } };
    expect(Buffer.from(imageArchive(image)).equals(imageArchive(image))).toBe(true);
  });
});

describe('the sandbox program', () => {
  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'waits, and ends when it is told to',
    async () => {
      const file = join(dir, 'pause');
      await writeFile(file, pauseProgram('amd64'), { mode: 0o755 });
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        const child = spawn(file);
        const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
        await new Promise((resolve) => child.once('spawn', resolve));
        await eventually('the program waits for its signals', () => sleeps(child.pid), { everyMs: 5 });
        child.kill('SIGCHLD');
        child.kill(signal);
        expect(await ended).toBe(0);
      }
    },
  );

  /** A signal that comes before the program has blocked it ends it, as it would any program. */
  async function sleeps(pid: number | undefined): Promise<boolean> {
    return /^State:\s+S/m.test(await readFile(`/proc/${pid}/status`, 'utf8'));
  }

  it('is made for arm64 of whole instructions whose branches stay inside', () => {
    const code = Buffer.from(pauseProgram('arm64')).subarray(120);
    const words = Array.from({ length: code.length / 4 - 2 }, (_, i) => code.readUInt32LE(i * 4));
    const targets = words.flatMap((word, i) => {
      if (word >>> 24 === 0x54) return [i + (((word >>> 5) << 13) >> 13)];
      if (word >>> 26 === 0x05) return [i + ((word << 6) >> 6)];
      return [];
    });
    expect(targets.length).toBe(4);
    for (const target of targets) expect(words[target]).toBeDefined();
    expect(code.readUInt32LE(code.length - 8)).toBe(0x14002);
  });
});
