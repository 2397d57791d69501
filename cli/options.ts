import { InvalidArgumentError, Option } from 'commander';
import { resolve } from 'node:path';

/** Of one machine: the addresses of a /24 without the machine's own and the broadcast. */
export const maxNodes = 250;

export const dataDirOption = () =>
  new Option('--data-dir <dir>', "the cluster's state, keys and kubeconfig")
    .env('KUMULUS_DATA_DIR')
    .default('.kumulus')
    .argParser(resolveDir);

export function resolveDir(value: string): string {
  if (value === '') throw new InvalidArgumentError('must name a directory.');
  return resolve(value);
}

export function wholeNumber(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!Number.isInteger(number) || value.trim() === '' || number < min || number > max) {
      throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `30s`, `24h`, `0`, in milliseconds. */
export function durationMs(value: string): number {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(value);
  if (!match && value !== '0') throw new InvalidArgumentError('must be a duration such as 30s, 5m or 0.');
  return match ? Number(match[1]) * (units[match[2] ?? ''] ?? 0) : 0;
}
