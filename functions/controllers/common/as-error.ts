import { messageOf } from '../../../lib/errors.ts';

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}
