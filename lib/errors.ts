/**
 * The one closed set of error kinds. Each is a reason of the Kubernetes API (`metav1.StatusReason`);
 * `lib/api/status.ts` is the only place that maps a kind to an HTTP code.
 */
export type ErrorKind =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Expired'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'Invalid'
  | 'TooManyRequests'
  | 'ServerTimeout'
  | 'Timeout'
  | 'ServiceUnavailable'
  | 'InternalError'
  /** 500 without a reason: something behind the server failed. */
  | 'Unknown';

/** One entry of `Status.details.causes`. `field` is a path such as `spec.containers[0].name`. */
export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

/** `metav1.StatusDetails`. */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** An error that a caller is meant to tell apart by its kind; anything else that is thrown is a fault of ours. */
export class KumulusError extends Error {
  override readonly name = 'KumulusError';
  readonly kind: ErrorKind;
  readonly details: StatusDetails | undefined;
  /** `metadata.continue` of the Status: how a list that broke off can go on. */
  readonly continue: string | undefined;

  constructor(
    kind: ErrorKind,
    message: string,
    options: { details?: StatusDetails; continue?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.details = options.details;
    this.continue = options.continue;
  }
}

/** Whether `error` is a KumulusError of one of the kinds. */
export function isKind(error: unknown, ...kinds: ErrorKind[]): error is KumulusError {
  return error instanceof KumulusError && kinds.includes(error.kind);
}

/** What went wrong, in one line, for a log or a message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
