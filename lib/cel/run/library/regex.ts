/**
 * Regular expressions of RE2. Whether one matches is found out in linear time. Where it matches is found out by
 * JavaScript's engine, which may be slow on purpose: it gets a time limit.
 */
import { createContext, Script } from 'node:vm';
import { RE2JS } from '@bufbuild/re2';
import { CelError } from '../values.ts';
import type { Implementations } from './implementation.ts';

interface Pattern {
  re2: RE2JS;
  /** The same for JavaScript, made when it is first needed. */
  search?: RegExp;
}

const maxKept = 100;
const kept = new Map<string, Pattern>();

function compiled(text: string): Pattern {
  const known = kept.get(text);
  if (known) return known;
  let pattern: Pattern;
  try {
    pattern = { re2: RE2JS.compile(text) };
  } catch (error) {
    throw new CelError(error instanceof Error ? error.message : String(error));
  }
  if (kept.size >= maxKept) kept.clear();
  kept.set(text, pattern);
  return pattern;
}

const posix: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** @throws CelError for what only RE2 has. */
function searchFor(text: string): RegExp {
  const [, flags = '', rest = text] = /^\(\?([ims]+)\)(.*)$/s.exec(text) ?? [];
  const source = rest
    .replaceAll('(?P<', '(?<')
    .replace(/\\([\s\S])/g, (whole, letter: string) =>
      letter === 'z' ? '(?![\\s\\S])' : letter === 'A' ? '(?<![\\s\\S])' : whole,
    )
    .replace(/\[:([a-z]+):\]/g, (whole, name: string) => posix[name] ?? whole);
  try {
    return new RegExp(source, `g${flags}${/\\[pP]/.test(source) ? 'u' : ''}`);
  } catch {
    // What is wrong with it is that another engine wants it otherwise.
    throw new CelError(`pattern ${JSON.stringify(text)} cannot be searched for, only matched`);
  }
}

const timeLimitMs = 100;
const sandbox: { text?: string; pattern?: RegExp; limit?: number } = {};
const context = createContext(sandbox);
const search = new Script(
  `(() => { const found = []; pattern.lastIndex = 0;
    for (let one; found.length < limit && (one = pattern.exec(text)); ) { found.push(one[0]); if (one[0] === '') pattern.lastIndex++; }
    return found.join('\\u0000') + '\\u0000' + found.length; })()`,
);

function findAll(text: string, source: string, limit: number): string[] {
  const pattern = compiled(source);
  if (!pattern.re2.test(text)) return [];
  pattern.search ??= searchFor(source);
  Object.assign(sandbox, { text, pattern: pattern.search, limit });
  try {
    const found = String(search.runInContext(context, { timeout: timeLimitMs })).split('\u0000');
    const count = Number(found.pop());
    if (found.length === count || count === 0) return count === 0 ? [] : found;
    throw new CelError('text with NUL characters cannot be searched');
  } catch (error) {
    if (error instanceof CelError) throw error;
    throw new CelError('operation cancelled: actual cost limit exceeded');
  } finally {
    Object.assign(sandbox, { text: '', pattern: undefined });
  }
}

export const regex: Implementations = {
  find([text = null, pattern = null]) {
    if (typeof text !== 'string' || typeof pattern !== 'string') return undefined;
    return findAll(text, pattern, 1)[0] ?? '';
  },
  findAll([text = null, pattern = null, limit = -1n]) {
    if (typeof text !== 'string' || typeof pattern !== 'string' || typeof limit !== 'bigint')
      return undefined;
    return findAll(text, pattern, limit < 0n ? Number.POSITIVE_INFINITY : Number(limit));
  },
  matches([text = null, pattern = null]) {
    if (typeof text !== 'string' || typeof pattern !== 'string') return undefined;
    return compiled(pattern).re2.test(text);
  },
};
