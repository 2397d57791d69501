import type { Clock } from '../../clock.ts';
import { KumulusError, messageOf } from '../../errors.ts';
import { throttled } from '../errors.ts';

/** The one place that sorts DynamoDB's error names ("Error handling with DynamoDB" in its developer guide). */
const throttling = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'LimitExceededException',
]);
/** Nobody can tell whether the call took effect. */
const uncertain = new Set([
  'InternalServerError',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'TransactionInProgressException',
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'NetworkingError',
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
]);

export type FailureKind = 'throttled' | 'uncertain' | 'condition' | 'cancelled' | 'contended' | 'other';

export function failureKind(error: unknown): FailureKind {
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'ConditionalCheckFailedException') return 'condition';
  if (name === 'TransactionCanceledException') return cancellationKind(error);
  // A write outside of a transaction met one that is under way on the same item.
  if (name === 'TransactionConflictException') return 'contended';
  if (throttling.has(name ?? '')) return 'throttled';
  if (uncertain.has(name ?? '') || uncertain.has(code ?? '')) return 'uncertain';
  return 'other';
}

/** Codes of a cancelled transaction, one an action: `None`, `ConditionalCheckFailed`, `TransactionConflict`, … */
export function cancellationReasons(error: unknown): string[] {
  const { CancellationReasons: reasons = [] } = error as { CancellationReasons?: { Code?: string }[] };
  return reasons.map(({ Code = 'None' }) => Code);
}

function cancellationKind(error: unknown): FailureKind {
  const reasons = new Set(cancellationReasons(error));
  if (reasons.has('ConditionalCheckFailed')) return 'cancelled';
  if (reasons.has('TransactionConflict')) return 'contended';
  if (reasons.has('ThrottlingError') || reasons.has('ProvisionedThroughputExceeded')) return 'throttled';
  return 'other';
}

/** An error of the service in the store's terms, once retries are used up. */
export function translateAwsError(error: unknown): Error {
  if (error instanceof KumulusError) return error;
  switch (failureKind(error)) {
    case 'throttled':
      return throttled('DynamoDB throttles the table; nothing was written', { cause: error });
    case 'contended':
      return throttled('too many writers of one object', { cause: error });
    case 'uncertain':
      return new KumulusError('Timeout', `Timeout: DynamoDB did not answer: ${messageOf(error)}`, {
        cause: error,
        details: { retryAfterSeconds: 1 },
      });
    default:
      return error instanceof Error ? error : new Error(messageOf(error), { cause: error });
  }
}

export interface RetryDeps {
  clock: Clock;
  random: () => number;
}

const tries = 8;
const firstWaitMs = 10;
const longestWaitMs = 1000;

/** Tries a call that may be repeated again, with full jitter, while the service is only busy. Throws its own error. */
export async function withRetries<T>({ clock, random }: RetryDeps, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const kind = failureKind(error);
      if ((kind !== 'throttled' && kind !== 'uncertain' && kind !== 'contended') || attempt === tries)
        throw error;
      await clock.sleep(Math.min(longestWaitMs, firstWaitMs * 2 ** attempt) * random());
    }
  }
}
