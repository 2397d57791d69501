import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { handleUpdate } from '../handlers/create.ts';
import { handleGet } from '../handlers/get.ts';
import { handlePatch } from '../handlers/patch.ts';
import type { RegistryEntry } from '../registry.ts';
import { entryOfPart } from '../strategies/pod-parts.ts';
import { handleApproval } from './approval.ts';
import { handleBinding } from './binding.ts';
import { handleConnect } from './connect.ts';
import { handleEviction } from './eviction.ts';
import { handleFinalize } from './finalize.ts';
import { handleLog } from './log.ts';
import { handleProxy } from './proxy.ts';
import { handleScale } from './scale.ts';
import { handleToken } from './token.ts';

export type SubresourceHandler = (
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
) => Promise<ApiResponse>;

/** By `resource/subresource`, or by the subresource alone where it is the same for all. */
export const subresourceHandlers: Readonly<Record<string, SubresourceHandler>> = {
  status: readOrWrite,
  scale: handleScale,
  proxy: handleProxy,
  'certificatesigningrequests/approval': handleApproval,
  'namespaces/finalize': handleFinalize,
  'pods/attach': handleConnect,
  'pods/binding': handleBinding,
  'pods/ephemeralcontainers': handlePart,
  'pods/eviction': handleEviction,
  'pods/exec': handleConnect,
  'pods/log': handleLog,
  'pods/portforward': handleConnect,
  'pods/resize': handlePart,
  'serviceaccounts/token': handleToken,
};

function readOrWrite(backend: Backend, context: RequestContext, entry: RegistryEntry): Promise<ApiResponse> {
  switch (context.info.verb) {
    case 'get':
      return handleGet(backend, context, entry);
    case 'patch':
      return handlePatch(backend, context, entry);
    default:
      return handleUpdate(backend, context, entry);
  }
}

/** A part of a pod: read as the whole pod, written as that part alone. */
function handlePart(backend: Backend, context: RequestContext, entry: RegistryEntry): Promise<ApiResponse> {
  return readOrWrite(backend, context, entryOfPart(entry, context.info.subresource));
}
