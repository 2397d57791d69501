/** Tokens that never change, in a file: `token,user,uid,"group1,group2"` (`--token-auth-file`). */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { messageOf } from '../../../lib/errors.ts';
import type { UserInfo } from '../../../lib/http/types.ts';
import type { TokenAuthenticator } from '../pipeline/authentication.ts';
import { meantFor } from './union.ts';

/** Users, by the SHA-256 of their tokens: nothing that is kept lets anybody in. */
export type StaticTokens = ReadonlyMap<string, UserInfo>;

export function staticTokens(tokens: StaticTokens, apiAudiences: readonly string[]): TokenAuthenticator {
  return meantFor(apiAudiences, (token) => Promise.resolve(tokens.get(digest(token))));
}

/** @throws Error `tokens.csv:3: user: Required value`; no token stands in it */
export function loadTokenFile(file: string): StaticTokens {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the token file cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return parseTokens(text, file);
}

export function parseTokens(text: string, file: string): StaticTokens {
  const tokens = new Map<string, UserInfo>();
  const firstLines = new Map<string, number>();
  for (const { line, fields } of recordsOf(text, file)) {
    const refuse = (problem: string): never => {
      throw new Error(`${file}:${line}: ${problem}`);
    };
    if (fields.length < 3 || fields.length > 4) {
      refuse(`must have 3 or 4 columns (token, user, uid, groups), found ${fields.length}`);
    }
    const [token = '', username = '', uid = '', groups = ''] = fields;
    if (token === '') refuse('token: Required value');
    if (/\s/.test(token)) refuse('token: Invalid value: must not have blanks in it');
    if (username === '') refuse('user: Required value');
    const key = digest(token);
    const first = firstLines.get(key);
    if (first !== undefined) refuse(`token: Duplicate value: the one of line ${first}`);
    firstLines.set(key, line);
    const names = groups === '' ? [] : groups.split(',');
    if (names.includes('')) refuse('groups: Invalid value: a name is empty');
    tokens.set(key, { username, ...(uid && { uid }), groups: names });
  }
  return tokens;
}

function digest(token: string): string {
  return hash('sha256', token, 'base64');
}

/** Comma-separated values (RFC 4180): fields may stand in quotes, in which two are one. Empty lines are no records. */
function recordsOf(text: string, file: string): { line: number; fields: string[] }[] {
  const records: { line: number; fields: string[] }[] = [];
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    if (content === '') continue;
    const fields: string[] = [];
    const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
    for (let more = true; more; ) {
      const found = field.exec(content);
      if (!found)
        throw new Error(`${file}:${index + 1}: a quote in column ${fields.length + 1} is not in pairs`);
      fields.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
      more = found[3] === ',';
    }
    records.push({ line: index + 1, fields });
  }
  return records;
}
