import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { KumulusError, messageOf } from '../lib/errors.ts';
import { type LogLevel, logLevels } from '../lib/log.ts';

/** Says what is wrong with a value, if anything. */
type Check = (value: unknown) => string | undefined;

export const path: Check = (v) =>
  typeof v === 'string' && v.startsWith('/') ? undefined : 'must be an absolute path';
export const ip: Check = (v) =>
  typeof v === 'string' && isIP(v) !== 0 ? undefined : 'must be an IP address';
export const flag: Check = (v) => (typeof v === 'boolean' ? undefined : 'must be true or false');
export const list =
  (item: Check): Check =>
  (v) =>
    Array.isArray(v) ? v.map(item).find((problem) => problem !== undefined) : 'must be a list';
export const cidr: Check = (v) => {
  const [address = '', bits = ''] = typeof v === 'string' ? v.split('/') : [];
  return isIP(address) !== 0 && /^\d+$/.test(bits)
    ? undefined
    : 'must be an address range such as 10.0.0.0/8';
};
export const optional =
  (check: Check): Check =>
  (v) =>
    v === undefined ? undefined : check(v);
export const between =
  (min: number, max: number): Check =>
  (v) =>
    Number.isInteger(v) && (v as number) >= min && (v as number) <= max
      ? undefined
      : `must be a whole number between ${min} and ${max}`;
export const startsWith =
  (prefix: string): Check =>
  (v) =>
    typeof v === 'string' && v.startsWith(prefix) ? undefined : `must begin with ${prefix}`;
export const dnsName: Check = (v) =>
  typeof v === 'string' && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(v) && v.length <= 253
    ? undefined
    : "must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
export const stringMap: Check = (v) =>
  typeof v === 'object' && v !== null && Object.values(v).every((value) => typeof value === 'string')
    ? undefined
    : 'must be a map of strings';

export const level: Check = (v) =>
  logLevels.includes(v as LogLevel) ? undefined : `must be one of ${logLevels.join(', ')}`;

export type Checks<T> = Record<keyof T, Check>;

/** @throws KumulusError Invalid when the file is not there or is not JSON. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new KumulusError('Invalid', `--config: Invalid value: "${file}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** @throws KumulusError Invalid with every field that is wrong, and its value. */
export function checked<T>(value: unknown, checks: Checks<T>): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new KumulusError('Invalid', `config: Invalid value: ${JSON.stringify(value)}: must be an object`);
  }
  const given = value as Record<string, unknown>;
  const problems: string[] = [];
  for (const field of Object.keys(given)) {
    if (!(field in checks)) problems.push(`${field}: Forbidden: unknown field`);
  }
  for (const [field, check] of Object.entries<Check>(checks)) {
    const problem = check(given[field]);
    if (!problem) continue;
    problems.push(
      given[field] === undefined
        ? `${field}: Required value: ${problem}`
        : `${field}: Invalid value: ${JSON.stringify(given[field])}: ${problem}`,
    );
  }
  if (problems.length > 0) throw new KumulusError('Invalid', problems.join('\n'));
  return given as T;
}
