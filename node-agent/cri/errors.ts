import { type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorKind, KumulusError } from '../../lib/errors.ts';

/** The only place that maps gRPC's codes (and their names, as Go prints them) to our kinds. */
const kinds: Record<number, [ErrorKind, string]> = {
  [status.CANCELLED]: ['Timeout', 'Canceled'],
  [status.UNKNOWN]: ['InternalError', 'Unknown'],
  [status.INVALID_ARGUMENT]: ['BadRequest', 'InvalidArgument'],
  [status.DEADLINE_EXCEEDED]: ['Timeout', 'DeadlineExceeded'],
  [status.NOT_FOUND]: ['NotFound', 'NotFound'],
  [status.ALREADY_EXISTS]: ['AlreadyExists', 'AlreadyExists'],
  [status.PERMISSION_DENIED]: ['Forbidden', 'PermissionDenied'],
  [status.RESOURCE_EXHAUSTED]: ['TooManyRequests', 'ResourceExhausted'],
  [status.FAILED_PRECONDITION]: ['Conflict', 'FailedPrecondition'],
  [status.ABORTED]: ['Conflict', 'Aborted'],
  [status.OUT_OF_RANGE]: ['BadRequest', 'OutOfRange'],
  [status.UNIMPLEMENTED]: ['MethodNotAllowed', 'Unimplemented'],
  [status.INTERNAL]: ['InternalError', 'Internal'],
  [status.UNAVAILABLE]: ['ServiceUnavailable', 'Unavailable'],
  [status.DATA_LOSS]: ['InternalError', 'DataLoss'],
  [status.UNAUTHENTICATED]: ['Unauthorized', 'Unauthenticated'],
};

/** A runtime's answer as an error of ours. The message keeps gRPC's form, which users know from Events. */
export function runtimeError(error: ServiceError): KumulusError {
  const [kind, codeName] = kinds[error.code] ?? (['InternalError', 'Unknown'] as const);
  return new KumulusError(kind, `rpc error: code = ${codeName} desc = ${error.details}`, { cause: error });
}
