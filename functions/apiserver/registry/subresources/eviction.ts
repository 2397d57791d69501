import type { Eviction } from '../../../../lib/api/gen/types.ts';
import { badRequest } from '../../../../lib/api/status.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { deleteObject } from '../handlers/delete.ts';
import { writeParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { decodeSubresource, respondSuccess } from './body.ts';

/** Deletes a pod by way of the disruption budgets that cover it. No budget can exist before its kind is served. */
export async function handleEviction(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const params = writeParams(context.request.query, 'CreateOptions');
  const kind = { group: 'policy', version: 'v1', kind: 'Eviction' };
  const eviction = await decodeSubresource<Eviction>(backend, context, kind, params);
  const { namespace, name } = context.info;
  if (eviction.metadata.name && eviction.metadata.name !== name) {
    throw badRequest('name in URL does not match name in Eviction object');
  }
  const options = eviction.deleteOptions ?? {};
  const dryRun = params.dryRun || (options.dryRun ?? []).length > 0;
  const write = { backend, context, entry, params: { ...params, dryRun }, subresource: 'eviction' };
  await deleteObject(write, namespace, name, options);
  return respondSuccess(context);
}
