import { KumulusError } from '../errors.ts';
import type { ApiRequest, ApiResponse } from '../http/types.ts';

/**
 * Carries one request to an API server and its response back. It rejects only when no response could be had
 * (KumulusError `ServiceUnavailable`, or the signal's reason); a status of 400 or more is a response like any other.
 */
export type Transport = (request: TransportRequest) => Promise<ApiResponse>;

export type TransportRequest = Omit<ApiRequest, 'peer'>;

/** No answer was had, and none will come; whether the request arrived is not known. */
export class BrokenConnection extends KumulusError {
  constructor(message: string, cause: unknown) {
    super('ServiceUnavailable', message, { cause });
  }
}
