import type { CertificateSigningRequest } from '../../../../lib/api/gen/types.ts';
import {
  prepareForApproval,
  validateApproval,
} from '../../../../lib/api/kinds/certificates/signing-request.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { handleUpdate } from '../handlers/create.ts';
import { handleGet } from '../handlers/get.ts';
import { handlePatch } from '../handlers/patch.ts';
import type { RegistryEntry } from '../registry.ts';

/** Approves or denies a certificate signing request by its conditions; whoever signs it writes its status. */
export function handleApproval(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  if (context.info.verb === 'get') return handleGet(backend, context, entry);
  const approving: RegistryEntry = {
    ...entry,
    strategy: {
      ...entry.strategy,
      rules: {
        ...entry.strategy.rules,
        prepareForUpdate: (object, old) =>
          prepareForApproval(object as CertificateSigningRequest, old as CertificateSigningRequest, {
            now: backend.clock.now(),
          }),
        validateUpdate: (object, old) =>
          validateApproval(object as CertificateSigningRequest, old as CertificateSigningRequest),
      },
    },
  };
  return context.info.verb === 'patch'
    ? handlePatch(backend, context, approving)
    : handleUpdate(backend, context, approving);
}
