import { KumulusError } from '../errors.ts';
import { maxBodyBytes, type Revision } from './port.ts';

/** The kind of list or watch whose revision history no longer reaches back to; the wording is kube-apiserver's. */
export function tooOld(verb: 'list' | 'watch'): KumulusError {
  return new KumulusError('Expired', `The resourceVersion for the provided ${verb} is too old.`);
}

/** A reader asked for a revision that has not happened yet. kube-apiserver answers so after waiting a little. */
export function tooLargeRevision(asked: Revision, current: Revision): KumulusError {
  return new KumulusError('Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });
}

export function bodyTooLarge(sizeBytes: number): KumulusError {
  return new KumulusError(
    'RequestEntityTooLarge',
    `Request entity too large: the object has ${sizeBytes} bytes, limit is ${maxBodyBytes}`,
  );
}

export function storeClosed(): KumulusError {
  return new KumulusError('ServiceUnavailable', 'the store is closed');
}

/** The engine, or the buffer before it, takes no more for now. Nothing was written. */
export function throttled(message: string, options: { cause?: unknown } = {}): KumulusError {
  return new KumulusError('TooManyRequests', message, {
    details: { retryAfterSeconds: 1 },
    cause: options.cause,
  });
}
