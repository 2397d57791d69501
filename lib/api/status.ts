/**
 * Errors on their way to a client: the one place where a kind of error becomes an HTTP code and a `metav1.Status`,
 * and the constructors that word errors as kube-apiserver does (apimachinery `api/errors`).
 */
import type { ErrorKind, StatusCause } from '../errors.ts';
import { KumulusError } from '../errors.ts';
import type { Status } from './gen/types.ts';
import type { FieldError } from './validate/field-error.ts';
import { answerText } from './validate/field-error.ts';
import { quote } from './validate/quote.ts';

export interface GroupResource {
  /** Empty for the core group. */
  group: string;
  /** `pods` */
  resource: string;
}

export interface GroupKind {
  group: string;
  kind: string;
}

/** The one table of kinds and the HTTP codes that stand for them. */
export const httpCodes: Readonly<Record<ErrorKind, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  Unknown: 500,
  ServerTimeout: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
};

/**
 * The answer for anything that was thrown. What is not a KumulusError is a fault of ours: 500, with the error's own
 * first line and never its stack.
 */
export function toStatus(error: unknown): { code: number; status: Status } {
  const known = error instanceof KumulusError ? error : internal(error);
  const code = httpCodes[known.kind];
  return {
    code,
    status: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: known.continue === undefined ? {} : { continue: known.continue },
      status: 'Failure',
      message: known.message,
      ...(known.kind !== 'Unknown' && { reason: known.kind }),
      ...(known.details && { details: known.details }),
      code,
    },
  };
}

/** `deployments.apps`, or `pods` in the core group. */
export function qualified({ group, resource }: GroupResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function detailsOf({ group, resource }: GroupResource, name = '') {
  return { ...(name && { name }), ...(group && { group }), kind: resource };
}

/** `pods "web" not found` */
export function notFound(resource: GroupResource, name: string): KumulusError {
  return new KumulusError('NotFound', `${qualified(resource)} ${quote(name)} not found`, {
    details: detailsOf(resource, name),
  });
}

/** No such path or resource type at all. */
export function pathNotFound(): KumulusError {
  return new KumulusError('NotFound', 'the server could not find the requested resource', { details: {} });
}

/** `pods "web" already exists` */
export function alreadyExists(resource: GroupResource, name: string): KumulusError {
  return new KumulusError('AlreadyExists', `${qualified(resource)} ${quote(name)} already exists`, {
    details: detailsOf(resource, name),
  });
}

/** Every name tried for `generateName` was taken. */
export function generateNameConflict(
  resource: GroupResource,
  name: string,
  retryAfterSeconds: number,
): KumulusError {
  return new KumulusError(
    'AlreadyExists',
    `${qualified(resource)} ${quote(name)} already exists, the server was not able to generate a unique name for the object`,
    { details: { ...detailsOf(resource, name), retryAfterSeconds } },
  );
}

/** What an update with a stale `resourceVersion` is told. */
export const optimisticLockMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

/** `Operation cannot be fulfilled on pods "web": <reason>` */
export function conflict(
  resource: GroupResource,
  name: string,
  reason = optimisticLockMessage,
  causes?: StatusCause[],
): KumulusError {
  return new KumulusError(
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} ${quote(name)}: ${reason}`,
    { details: { ...detailsOf(resource, name), ...(causes && { causes }) } },
  );
}

/** Server-side apply met fields of other managers. */
export function applyConflict(causes: StatusCause[], message: string): KumulusError {
  return new KumulusError('Conflict', message, { details: { causes } });
}

/** `Pod "web" is invalid: spec.containers: Required value`, with a cause for each error, of which a thousand are told. */
export function invalid(kind: GroupKind, name: string, errors: readonly FieldError[]): KumulusError {
  const subject = `${kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`} ${quote(name)} is invalid`;
  const { message, causes } = answerText(errors);
  return new KumulusError('Invalid', errors.length === 0 ? subject : `${subject}: ${message}`, {
    details: {
      ...(name && { name }),
      ...(kind.group && { group: kind.group }),
      kind: kind.kind,
      causes,
    },
  });
}

export function badRequest(message: string): KumulusError {
  return new KumulusError('BadRequest', message);
}

/** 401, with no word about why. */
export function unauthorized(message = 'Unauthorized'): KumulusError {
  return new KumulusError('Unauthorized', message);
}

/** `pods "web" is forbidden: <reason>` */
export function forbidden(
  resource: GroupResource,
  name: string,
  reason: string,
  causes?: StatusCause[],
): KumulusError {
  const subject = name === '' ? qualified(resource) : `${qualified(resource)} ${quote(name)}`;
  return new KumulusError('Forbidden', `${subject} is forbidden: ${reason}`, {
    details: { ...detailsOf(resource, name), ...(causes && { causes }) },
  });
}

/** The path is known, the HTTP method is not one of its methods. */
export function methodNotAllowed(): KumulusError {
  return new KumulusError(
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {
      details: {},
    },
  );
}

/** `create is not supported on resources of kind "componentstatuses"` */
export function methodNotSupported(resource: GroupResource, action: string): KumulusError {
  return new KumulusError(
    'MethodNotAllowed',
    `${action} is not supported on resources of kind ${quote(qualified(resource))}`,
    { details: detailsOf(resource) },
  );
}

/** 406: nothing in `Accept` can be served. `accepted` are the media types that can be. */
export function notAcceptable(accepted: readonly string[]): KumulusError {
  return new KumulusError(
    'NotAcceptable',
    `only the following media types are accepted: ${accepted.join(', ')}`,
  );
}

/** 415: the body is of a type that is not read here. `accepted` are the media types that are. */
export function unsupportedMediaType(accepted: readonly string[]): KumulusError {
  return new KumulusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

/** 413 */
export function requestEntityTooLarge(message: string): KumulusError {
  return new KumulusError('RequestEntityTooLarge', `Request entity too large: ${message}`);
}

/** 410 with reason `Expired`: the `resourceVersion` or `continue` token is older than history. */
export function expired(message: string): KumulusError {
  return new KumulusError('Expired', message);
}

/** 410 with reason `Gone`. */
export function gone(message: string): KumulusError {
  return new KumulusError('Gone', message);
}

export function tooManyRequests(
  message: string,
  retryAfterSeconds: number,
  causes?: StatusCause[],
): KumulusError {
  return new KumulusError('TooManyRequests', message, {
    details: { ...(causes && { causes }), ...(retryAfterSeconds > 0 && { retryAfterSeconds }) },
  });
}

/** 500 that asks for another try. */
export function serverTimeout(
  resource: GroupResource,
  operation: string,
  retryAfterSeconds: number,
): KumulusError {
  return new KumulusError(
    'ServerTimeout',
    `The ${operation} operation against ${qualified(resource)} could not be completed at this time, please try again.`,
    { details: { ...detailsOf(resource, operation), ...(retryAfterSeconds > 0 && { retryAfterSeconds }) } },
  );
}

/** 504: it took too long, and may still complete. */
export function timeout(message: string, retryAfterSeconds = 0, causes?: StatusCause[]): KumulusError {
  return new KumulusError('Timeout', `Timeout: ${message}`, {
    details: { ...(causes && { causes }), ...(retryAfterSeconds > 0 && { retryAfterSeconds }) },
  });
}

export function serviceUnavailable(message: string): KumulusError {
  return new KumulusError('ServiceUnavailable', message);
}

/** `Internal error occurred: …` with the first line of what went wrong; the cause stays here, for the log. */
export function internal(error: unknown): KumulusError {
  const text = error instanceof Error ? error.message : typeof error === 'string' ? error : 'unknown error';
  const message = text.split('\n', 1)[0] ?? '';
  return new KumulusError('InternalError', `Internal error occurred: ${message}`, {
    details: { causes: [{ message }] },
    cause: error,
  });
}

/** 500 in the very words of what failed behind the server, as kube-apiserver passes such errors on. */
export function passedOn(message: string, cause?: unknown): KumulusError {
  return new KumulusError('Unknown', message, { cause });
}
