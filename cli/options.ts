import { InvalidArgumentError, Option } from 'commander';
import { resolve } from 'node:path';

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
