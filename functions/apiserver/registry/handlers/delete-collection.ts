import type { ListMeta } from '../../../../lib/api/gen/types.ts';
import { isKind } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { CachedObject } from '../../../../lib/store/cache/index.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { respondObject } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import { listParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { deleteObject, warnOfOrphans } from './delete.ts';
import { deleteOptions, writeParamsOf } from './delete-options.ts';
import { readPage } from './list.ts';
import { renderList, representationOf } from './render.ts';
import type { Write } from './write.ts';

/** Objects that are deleted at once. */
const workers = 8;
/** Objects that are read at once where the client sets no limit. */
const pageObjects = 10_000;

/** Deletes what a list with the same parameters would show, and answers with that list. */
export async function handleDeleteCollection(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const options = await deleteOptions(backend, context);
  let params = listParams(context.request.query, entry, false);
  warnOfOrphans(context, entry, options);
  const write: Write = { backend, context, entry, params: writeParamsOf(options), subresource: '' };
  const isOnePage = params.limit > 0;
  if (!isOnePage) params = { ...params, limit: pageObjects };
  const deleted: CachedObject[] = [];
  let metadata: ListMeta = {};
  for (;;) {
    const { page, metadata: place } = await readPage(backend, context, entry, params);
    await deleteAll(write, page.items, options);
    for (const item of page.items) deleted.push(item);
    metadata = place;
    if (isOnePage || place.continue === undefined) break;
    params = { ...params, continue: place.continue, resourceVersion: undefined, match: undefined };
  }
  const objects = deleted.map(({ object }) => object);
  return respondObject(
    context,
    representation,
    renderList(context, entry, representation, objects, metadata, backend.clock.now()),
  );
}

async function deleteAll(
  write: Write,
  items: readonly CachedObject[],
  options: Parameters<typeof deleteObject>[3],
): Promise<void> {
  let next = 0;
  const work = async () => {
    for (let item = items[next++]; item; item = items[next++]) {
      const { namespace = '', name } = item.object.metadata;
      try {
        await deleteObject(write, namespace, name, structuredClone(options));
      } catch (error) {
        // Somebody else has deleted it: that is what was wanted.
        if (!isKind(error, 'NotFound')) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, work));
}
