/**
 * YAML as the API reads it: version 1.1 as go-yaml resolves it, the first document only, aliases and merge keys
 * followed within limits. The result is plain JSON that shares nothing.
 */
import {
  Composer,
  type CST,
  type Document,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  Parser,
  visit,
  type YAMLParseError,
} from 'yaml';
import type { JsonValue } from '../object.ts';
import { quote } from '../validate/quote.ts';
import { DecodeError, maxDepth } from './conform.ts';

/** More values than any body of 3 MB holds by itself: only aliases get there. */
const maxValues = 2_000_000;
/** Words, marks, blanks between them and ends of lines; a text over many lines is one. Some 50,000 lines of fields. */
const maxLexemes = 300_000;

export interface ParsedYaml {
  value: JsonValue;
  /** `line 7: key "replicas" already set in map` */
  duplicates: string[];
}

/** Throws DecodeError: `yaml: line 3: mapping values are not allowed in this context`. */
export function parseYaml(text: string): ParsedYaml {
  const lines = new LineCounter();
  const document = firstDocument(text, lines);
  if (!document) return { value: null, duplicates: [] };
  const [error] = document.errors;
  if (error) throw new DecodeError(`yaml: line ${lineOf(error, lines)}: ${wording(error)}`, { cause: error });
  return { value: toJson(document), duplicates: duplicateKeys(document, lines) };
}

/** Undefined for what is no JSON. */
export function tryJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function firstDocument(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  if (nesting(text) > maxDepth) throw new DecodeError('yaml: exceeded max depth');
  try {
    const composer = new Composer({
      version: '1.1',
      // go-yaml knows neither sexagesimal numbers nor dates where no type asks for one.
      customTags: (tags) =>
        tags.filter(
          (tag) =>
            typeof tag === 'string' ||
            (!('format' in tag && tag.format === 'TIME') && !tag.tag.endsWith(':timestamp')),
        ),
      merge: true,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    // One at a time: what comes after the first is not even read.
    const [first] = composer.compose(tokensOf(text, lineCounter));
    return first;
  } catch (error) {
    if (error instanceof RangeError) throw new DecodeError('yaml: exceeded max depth', { cause: error });
    throw error;
  }
}

/**
 * What `Parser.parse` does, for no more lexemes than an API server has time for: nothing else is done while a body is
 * read, and one of 3 MB can hold millions of them.
 */
function* tokensOf(text: string, lineCounter: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lineCounter.addNewLine);
  let left = maxLexemes;
  lineCounter.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    if (--left < 0)
      throw new DecodeError(`yaml: document has more than ${maxLexemes} tokens, send it as JSON`);
    yield* parser.next(lexeme);
  }
  yield* parser.end();
}

/** An upper bound for how deep flow collections nest, so that the parser's stack is never put to the test. */
function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if ((code === 0x7d || code === 0x5d) && depth > 0) depth--;
  }
  return deepest;
}

function toJson(document: Document.Parsed): JsonValue {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 10_000 });
  } catch (error) {
    if (error instanceof RangeError) throw new DecodeError('yaml: exceeded max depth', { cause: error });
    if (error instanceof ReferenceError && /alias count/i.test(error.message)) {
      throw new DecodeError('yaml: document contains excessive aliasing', { cause: error });
    }
    const text = error instanceof Error ? error.message : String(error);
    const anchor = /^Unresolved alias.*: (.*)$/.exec(text)?.[1];
    throw new DecodeError(`yaml: ${anchor === undefined ? text : `unknown anchor '${anchor}' referenced`}`, {
      cause: error,
    });
  }
  const budget = { left: maxValues };
  return unshare(value, budget, 0);
}

function unshare(value: unknown, budget: { left: number }, depth: number): JsonValue {
  if (--budget.left < 0) throw new DecodeError('yaml: document contains excessive aliasing');
  if (depth > maxDepth) throw new DecodeError('yaml: exceeded max depth');
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new DecodeError(`json: unsupported value: ${value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN'}`);
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value !== 'object' || value === null) return value === undefined ? null : (value as JsonValue);
  if (Array.isArray(value)) return value.map((item) => unshare(item, budget, depth + 1));
  const entries =
    value instanceof Map
      ? value
      : value instanceof Set
        ? [...value].map((key) => [key, null])
        : Object.entries(value);
  const object: { [key: string]: JsonValue } = {};
  for (const [key, inner] of entries) {
    Object.defineProperty(object, String(key), {
      value: unshare(inner, budget, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}

function duplicateKeys(document: Document.Parsed, lines: LineCounter): string[] {
  const found: string[] = [];
  visit(document, {
    Map(_, map) {
      if (!isMap(map)) return;
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name) && name !== '<<') {
          const line = lines.linePos(key.range?.[0] ?? 0).line;
          found.push(`line ${line}: key ${quote(name)} already set in map`);
        }
        seen.add(name);
      }
    },
  });
  return found;
}

function lineOf(error: YAMLParseError, lines: LineCounter): number {
  return lines.linePos(error.pos[0]).line;
}

const wordings: Partial<Record<YAMLParseError['code'], string>> = {
  BLOCK_AS_IMPLICIT_KEY: 'mapping values are not allowed in this context',
  BLOCK_IN_FLOW: "did not find expected ',' or '}'",
  TAB_AS_INDENT: 'found character that cannot start any token',
  UNEXPECTED_TOKEN: 'did not find expected node content',
  BAD_INDENT: 'did not find expected key',
  BAD_COLLECTION_TYPE: 'did not find expected key',
  MULTILINE_IMPLICIT_KEY: "could not find expected ':'",
  MISSING_CHAR: "could not find expected ':'",
  BAD_ALIAS: 'did not find expected alphabetic or numeric character',
};

function wording(error: YAMLParseError): string {
  if (error.message.includes('call stack')) return 'exceeded max depth';
  return wordings[error.code] ?? error.message;
}
