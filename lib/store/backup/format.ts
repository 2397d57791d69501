import { pipeline, Readable, type Writable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { KumulusError, messageOf } from '../../errors.ts';
import type { Revision } from '../port.ts';

/**
 * A backup is gzip of JSON lines: a header, for each resource type a line with its revision and then its objects in
 * key order, and a last line that says how many objects there were, without which the backup is not whole.
 *
 *     {"format":"kumulus-backup","version":1,"createdAt":"2026-01-01T00:00:00Z"}
 *     {"resource":"pods","revision":4711}
 *     {"key":"default/web","revision":4242,"body":"…base64…"}
 *     {"end":true,"objects":1}
 */
export const formatName = 'kumulus-backup';
export const formatVersion = 1;

export type Line =
  | { format: string; version: number; createdAt: string }
  | { resource: string; revision: Revision }
  | { key: string; revision: Revision; body: string }
  | { end: true; objects: number };

/** The lines of a backup. Rejects with `BadRequest` at the first that is wrong, and at the end of one that is not whole. */
export async function* readLines(source: Readable): AsyncGenerator<Line> {
  let number = 0;
  let objects = 0;
  let isEnded = false;
  for await (const text of textLines(source)) {
    number++;
    const line = parse(text, number);
    if (isEnded) throw damaged(`line ${number} comes after the end`);
    if ('format' in line) checkHeader(line, number);
    else if (number === 1) throw damaged('it does not begin with a header');
    if ('key' in line) objects++;
    if ('end' in line) {
      isEnded = true;
      if (line.objects !== objects)
        throw damaged(`it should hold ${line.objects} objects and holds ${objects}`);
    }
    yield line;
  }
  if (!isEnded) throw damaged('its end is missing');
}

async function* textLines(source: Readable): AsyncGenerator<string> {
  const plain = createGunzip();
  // An error of either stream reaches the iteration below.
  pipeline(source, plain, () => {});
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    throw error instanceof KumulusError ? error : damaged(messageOf(error), error);
  }
  if (rest !== '') yield rest;
}

/** One line into the stream, waiting while it is full. */
export async function writeLine(target: Writable, line: Line): Promise<void> {
  if (target.write(`${JSON.stringify(line)}\n`)) return;
  await new Promise<void>((resolve, reject) => {
    const onDrain = () => {
      target.off('close', onClose);
      resolve();
    };
    const onClose = () => {
      target.off('drain', onDrain);
      reject(target.errored ?? new Error('the backup could not be written to its end'));
    };
    target.once('drain', onDrain);
    target.once('close', onClose);
  });
}

function parse(text: string, number: number): Line {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (cause) {
    throw damaged(`line ${number} is not JSON`, cause);
  }
  const known = ['format', 'resource', 'key', 'end'].some((field) => Object.hasOwn(line as object, field));
  if (!known) throw damaged(`line ${number} is of no known kind`);
  return line as Line;
}

function checkHeader(line: { format: string; version: number }, number: number): void {
  if (number !== 1 || line.format !== formatName) throw damaged(`line ${number} is not a header of a backup`);
  if (line.version !== formatVersion) {
    throw new KumulusError(
      'BadRequest',
      `the backup has version ${line.version}, and this program reads version ${formatVersion}`,
    );
  }
}

function damaged(what: string, cause?: unknown): KumulusError {
  return new KumulusError('BadRequest', `this is not a whole backup: ${what}; nothing was restored`, {
    cause,
  });
}
