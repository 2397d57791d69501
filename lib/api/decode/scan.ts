/**
 * A JSON reader for what JSON.parse cannot say: the reason why a text is not JSON, in the words of the API, and which
 * members are there twice. Slower, so it reads only what JSON.parse refused or what is known to repeat itself.
 */
import type { Schema } from '../schema.ts';
import { quote } from '../validate/quote.ts';
import { DecodeError, maxDepth, maxProblems, pathText } from './conform.ts';

/** How many members all objects of a JSON text have together, repeated ones included. The text must be valid. */
export function countMembers(text: string): number {
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x3a) members++;
    else if (code === 0x22) at = endOfString(text, at);
  }
  return members;
}

function endOfString(text: string, start: number): number {
  let at = start;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
}

/** Why JSON.parse refused the text: `invalid character '}' after object key`. */
export function syntaxError(text: string): string {
  try {
    new Scanner(text, undefined).document();
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  return 'unexpected end of JSON input';
}

/** Unknown and repeated fields in the order of the document, each once. The text must be valid. */
export function strictProblems(text: string, schema: Schema): string[] {
  const scanner = new Scanner(text, schema);
  scanner.document();
  return [...scanner.problems];
}

const literals: Record<string, string> = { t: 'true', f: 'false', n: 'null' };

class Scanner {
  readonly problems = new Set<string>();
  readonly #text: string;
  readonly #schema: Schema | undefined;
  readonly #steps: (string | number)[] = [];
  #at = 0;
  #depth = 0;

  constructor(text: string, schema: Schema | undefined) {
    this.#text = text;
    this.#schema = schema;
  }

  document(): void {
    this.#value(this.#schema);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value');
  }

  #value(schema: Schema | undefined): void {
    this.#space();
    const character = this.#peek();
    if (character === '{') return this.#nested(() => this.#object(schema));
    if (character === '[') return this.#nested(() => this.#array(schema));
    if (character === '"') {
      this.#string();
      return;
    }
    const literal = literals[character];
    if (literal) return this.#literal(literal);
    if (character === '-' || isDigit(character)) return this.#number();
    throw this.#unexpected('looking for beginning of value');
  }

  #nested(read: () => void): void {
    this.#depth++;
    if (this.#depth > maxDepth) throw new DecodeError('exceeded max depth');
    this.#at++;
    read();
    this.#depth--;
  }

  #object(schema: Schema | undefined): void {
    const seen = new Set<string>();
    this.#space();
    if (this.#skip('}')) return;
    for (;;) {
      this.#space();
      if (this.#peek() !== '"') throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      this.#space();
      if (!this.#skip(':')) throw this.#unexpected('after object key');
      const inner = this.#member(key, seen, schema);
      this.#steps.push(key);
      this.#value(inner);
      this.#steps.pop();
      this.#space();
      if (this.#skip('}')) return;
      if (!this.#skip(',')) throw this.#unexpected('after object key:value pair');
    }
  }

  #member(key: string, seen: Set<string>, schema: Schema | undefined): Schema | undefined {
    const fields = schema?.properties;
    if (!fields && !schema?.additionalProperties) return undefined;
    const field = fields?.[key];
    if (fields && !field) this.#report('unknown', key);
    else if (seen.has(key)) this.#report('duplicate', key);
    seen.add(key);
    return field ?? schema?.additionalProperties;
  }

  #report(problem: string, key: string): void {
    if (this.problems.size >= maxProblems) return;
    this.problems.add(`${problem} field ${quote(pathText(this.#steps, key))}`);
  }

  #array(schema: Schema | undefined): void {
    this.#space();
    if (this.#skip(']')) return;
    for (let index = 0; ; index++) {
      this.#steps.push(index);
      this.#value(schema?.items);
      this.#steps.pop();
      this.#space();
      if (this.#skip(']')) return;
      if (!this.#skip(',')) throw this.#unexpected('after array element');
    }
  }

  #string(): string {
    const start = this.#at++;
    for (;;) {
      const character = this.#peek();
      if (character === '"') break;
      if (character < ' ') throw this.#unexpected('in string literal');
      this.#at++;
      if (character === '\\') this.#escape();
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #escape(): void {
    const character = this.#peek();
    if (!'"\\/bfnrtu'.includes(character)) throw this.#unexpected('in string escape code');
    this.#at++;
    if (character !== 'u') return;
    for (let digit = 0; digit < 4; digit++) {
      if (!/[0-9a-fA-F]/.test(this.#peek())) throw this.#unexpected('in \\u hexadecimal character escape');
      this.#at++;
    }
  }

  #literal(literal: string): void {
    for (const [index, expected] of literal.split('').entries()) {
      if (index > 0 && this.#peek() !== expected) {
        throw this.#unexpected(`in literal ${literal} (expecting ${quoteCharacter(expected)})`);
      }
      this.#at++;
    }
  }

  #number(): void {
    this.#skip('-');
    if (!isDigit(this.#peek())) throw this.#unexpected('in numeric literal');
    if (!this.#skip('0')) this.#digits();
    if (this.#skip('.')) {
      if (!isDigit(this.#peek())) throw this.#unexpected('after decimal point in numeric literal');
      this.#digits();
    }
    if (this.#skip('e') || this.#skip('E')) {
      if (!this.#skip('+')) this.#skip('-');
      if (!isDigit(this.#peek())) throw this.#unexpected('in exponent of numeric literal');
      this.#digits();
    }
  }

  #digits(): void {
    while (this.#at < this.#text.length && isDigit(this.#text.charAt(this.#at))) this.#at++;
  }

  #space(): void {
    while (' \t\r\n'.includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) this.#at++;
  }

  #skip(character: string): boolean {
    if (this.#text.charAt(this.#at) !== character) return false;
    this.#at++;
    return true;
  }

  /** Every caller needs one more character. */
  #peek(): string {
    if (this.#at >= this.#text.length) throw new DecodeError('unexpected end of JSON input');
    return this.#text.charAt(this.#at);
  }

  #unexpected(where: string): DecodeError {
    if (this.#at >= this.#text.length) return new DecodeError('unexpected end of JSON input');
    return new DecodeError(`invalid character ${quoteCharacter(this.#text.charAt(this.#at))} ${where}`);
  }
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}

/** A byte, as Go shows it: `'x'`, `'\''`, `'"'`, `'\n'`; of a longer character its first byte. */
function quoteCharacter(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return `'"'`;
  const byte = Buffer.from(character)[0] ?? 0;
  return `'${quote(String.fromCharCode(byte)).slice(1, -1)}'`;
}
