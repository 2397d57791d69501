import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../lib/clock.ts';
import type { KumulusError } from '../../../../lib/errors.ts';
import { fixedTimestamp } from '../../../../node-agent/server/logs/entry.ts';
import { parseLogOptions } from '../../../../node-agent/server/logs/options.ts';
import { readLog } from '../../../../node-agent/server/logs/read.ts';
import { eventually } from '../../../support/wait.ts';

let dir: string;
let logPath: string;
let isRunning = false;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kumulus-log-'));
  logPath = join(dir, '0.log');
  isRunning = false;
});
afterEach(() => rm(dir, { recursive: true }));

const now = Date.parse('2026-01-01T00:10:00Z');
const record = (second: number, text: string, { stream = 'stdout', tag = 'F' } = {}) =>
  `2026-01-01T00:00:${String(second).padStart(2, '0')}.5Z ${stream} ${tag} ${text}\n`;

function read(query: string, signal = AbortSignal.timeout(60_000)): AsyncGenerator<Buffer> {
  const log = { podUid: 'u', containerId: 'c', logPath, isRunning: async () => isRunning };
  const options = parseLogOptions(new URLSearchParams(query), now);
  return readLog(log, options, { clock: systemClock, signal });
}

async function text(query = ''): Promise<string> {
  let output = '';
  for await (const chunk of read(query)) output += chunk.toString();
  return output;
}

describe('a container log', () => {
  it('joins the parts of a long line, and gives it one time', async () => {
    await writeFile(logPath, record(1, 'long ', { tag: 'P' }) + record(1, 'line') + record(2, ''));
    expect(await text()).toBe('long line\n\n');
    expect(await text('timestamps=true')).toBe(
      '2026-01-01T00:00:01.500000000Z long line\n2026-01-01T00:00:02.500000000Z \n',
    );
  });

  it('is cut by tail, time, bytes and stream', async () => {
    await writeFile(logPath, record(1, 'a') + record(2, 'b', { stream: 'stderr' }) + record(3, 'c'));
    expect(await text('tailLines=2')).toBe('b\nc\n');
    expect(await text('tailLines=0')).toBe('');
    expect(await text('tailLines=9')).toBe('a\nb\nc\n');
    expect(await text('sinceTime=2026-01-01T00:00:02Z')).toBe('b\nc\n');
    expect(await text('sinceSeconds=598')).toBe('b\nc\n');
    expect(await text('limitBytes=3')).toBe('a\nb');
    expect(await text('stream=Stderr')).toBe('b\n');
  });

  it('finds the tail of a file larger than one block', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}`);
    await writeFile(logPath, lines.map((line) => record(1, line)).join(''));
    expect(await text('tailLines=3000')).toBe(`${lines.slice(-3000).join('\n')}\n`);
    expect(await text()).toBe(`${lines.join('\n')}\n`);
  });

  it('has as many records as were asked for, though more are written meanwhile', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}`);
    await writeFile(logPath, lines.map((line) => record(1, line)).join(''));
    const chunks = read('tailLines=3000');
    const first = await chunks.next();
    await appendFile(logPath, record(2, 'too late'));
    let output = String(first.value);
    for await (const chunk of chunks) output += chunk.toString();
    expect(output).toBe(`${lines.slice(-3000).join('\n')}\n`);
  });

  it('passes over what is no record, and prints one that was cut off', async () => {
    await writeFile(logPath, `garbage\n${record(1, 'a')}2026 stdout F x\n${record(2, 'b').trimEnd()}`);
    expect(await text()).toBe('a\nb\n');
  });

  it('is followed over a rotation, until the container has ended', async () => {
    isRunning = true;
    await writeFile(logPath, record(1, 'old'));
    let seen = '';
    const done = (async () => {
      for await (const chunk of read('follow=true&tailLines=0')) seen += chunk.toString();
    })();
    await eventually('it follows', async () => {
      await appendFile(logPath, record(2, 'more'));
      return seen.includes('more');
    });
    await appendFile(logPath, record(3, 'before rotation'));
    await rename(logPath, `${logPath}.1`);
    await writeFile(logPath, record(4, 'after rotation'));
    await eventually('the new file is read', () => seen.endsWith('after rotation\n'));
    expect(seen).toContain('before rotation\n');
    expect(seen).not.toContain('old');
    await appendFile(logPath, record(5, 'last'));
    isRunning = false;
    await done;
    expect(seen.endsWith('after rotation\nlast\n')).toBe(true);
  });

  it('is left when the client goes', async () => {
    isRunning = true;
    await writeFile(logPath, record(1, 'a'));
    const gone = new AbortController();
    const chunks = read('follow=true', gone.signal);
    expect((await chunks.next()).value?.toString()).toBe('a\n');
    const waiting = chunks.next();
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
  });
});

describe('log options', () => {
  it.each([
    ['tailLines=x', 'BadRequest', 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['tailLines=-1', 'Invalid', 'tailLines: Invalid value: -1: must be greater than or equal to 0'],
    ['limitBytes=0', 'Invalid', 'limitBytes: Invalid value: 0: must be greater than 0'],
    ['sinceSeconds=0', 'Invalid', 'sinceSeconds: Invalid value: 0: must be greater than 0'],
    ['sinceTime=x', 'BadRequest', 'sinceTime: Invalid value: "x": must be RFC 3339'],
    ['stream=x', 'Invalid', 'stream: Unsupported value: "x": supported values: "All", "Stderr", "Stdout"'],
  ])('refuse %s', (query, kind, message) => {
    expect(() => parseLogOptions(new URLSearchParams(query), now)).toThrow(
      expect.objectContaining({ kind, message }) as KumulusError,
    );
  });

  it('write times with nine decimals in the zone that they came in', () => {
    expect(fixedTimestamp('2026-01-01T00:00:00Z')).toBe('2026-01-01T00:00:00.000000000Z');
    expect(fixedTimestamp('2026-01-01T00:00:00.12+02:00')).toBe('2026-01-01T00:00:00.120000000+02:00');
  });
});
