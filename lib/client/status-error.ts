import type { Status } from '../api/gen/types.ts';
import { httpCodes } from '../api/status.ts';
import { type ErrorKind, KumulusError, type StatusDetails } from '../errors.ts';

const kindByCode: Record<number, ErrorKind> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  502: 'ServiceUnavailable',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The error that a `metav1.Status` speaks of: its kind from `reason`, or from the code where the reason is none of ours. */
export function errorOfStatus(status: Partial<Status>, httpCode?: number): KumulusError {
  const code = status.code ?? httpCode ?? 500;
  const message = status.message || `the server answered with code ${code}`;
  const details = status.details as StatusDetails | undefined;
  return new KumulusError(kindOf(status.reason, code), message, details ? { details } : {});
}

/** The error of a response of 400 or more. A body that is no Status (a proxy's page) is quoted, shortened. */
export function errorOfResponse(httpCode: number, body: string): KumulusError {
  const status = parseStatus(body);
  if (status) return errorOfStatus(status, httpCode);
  const quoted = body.trim().slice(0, 300);
  return new KumulusError(
    kindOf(undefined, httpCode),
    `the server answered with code ${httpCode}${quoted ? `: ${quoted}` : ''}`,
  );
}

function kindOf(reason: string | undefined, code: number): ErrorKind {
  if (reason !== undefined && Object.hasOwn(httpCodes, reason)) return reason as ErrorKind;
  return kindByCode[code] ?? (code >= 400 && code < 500 ? 'BadRequest' : 'InternalError');
}

function parseStatus(body: string): Partial<Status> | undefined {
  if (!body.trimStart().startsWith('{')) return undefined;
  try {
    const value = JSON.parse(body) as Partial<Status>;
    return value.kind === 'Status' ? value : undefined;
  } catch {
    // Not JSON: the caller quotes it as it is.
    return undefined;
  }
}
