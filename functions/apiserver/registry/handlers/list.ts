import type { ListMeta } from '../../../../lib/api/gen/types.ts';
import { badRequest, expired } from '../../../../lib/api/status.ts';
import { isKind } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { CachedObject, CachedPage, Freshness } from '../../../../lib/store/cache/index.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { type Pieces, piecesOf } from '../../pipeline/pieces.ts';
import { jsonType, protobufType } from '../../pipeline/negotiate.ts';
import { respondJson, respondObject, respondPieces } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import { type ListParams, listParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { selectionFor } from '../selection.ts';
import { listProtobuf } from './list-protobuf.ts';
import { type Continue, expiredContinue, readContinue, writeContinue } from './continue.ts';
import { listTable, rowsAtOnce } from './list-table.ts';
import { includeObject, renderList, representationOf } from './render.ts';

const tooOld = 'The resourceVersion for the provided list is too old.';

export async function listObjects(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const params = listParams(context.request.query, entry, false);
  const { page, metadata } = await readPage(backend, context, entry, params);
  if (representation.transform.as === 'object' && !entry.conversion) {
    if (representation.mediaType === protobufType) {
      context.audit?.answeredJson(listJson(entry, page.items, metadata));
      return respondPieces(context, protobufType, await listProtobuf(entry, page.items, metadata));
    }
    return respondJson(context, representation, listJson(entry, page.items, metadata));
  }
  const { transform, mediaType, pretty } = representation;
  const now = backend.clock.now();
  const isLong = page.items.length >= 2 * rowsAtOnce;
  // An audit event needs the whole.
  if (isLong && transform.as === 'Table' && mediaType === jsonType && !pretty && !context.audit) {
    const options = { includeObject: includeObject(context), now, version: transform.version, metadata };
    return respondPieces(context, jsonType, listTable(entry, page.items, options));
  }
  const objects = page.items.map(({ object }) => object);
  return respondObject(
    context,
    representation,
    renderList(context, entry, representation, objects, metadata, now),
  );
}

/**
 * The page that the parameters ask for, with the token for what follows it.
 * @throws KumulusError Expired; where a token had grown too old, with one that goes on.
 */
export async function readPage(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
  params: ListParams,
): Promise<{ page: CachedPage; metadata: ListMeta }> {
  const { namespace } = context.info;
  const selection = selectionFor(entry, namespace, params);
  const base = entry.definition.namespaced && namespace ? `${namespace}/` : '';
  const place = params.continue === undefined ? undefined : readContinue(params.continue, base);
  if (place && params.resourceVersion !== undefined && params.resourceVersion !== 0) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const freshness = freshnessOf(params, place);
  let page: CachedPage;
  try {
    page = await backend.cache.list(entry.storage, {
      prefix: selection.prefix,
      ...(selection.match && { match: selection.match }),
      freshness,
      ...(params.limit > 0 && { limit: params.limit }),
      ...(place && { after: place.after }),
      signal: context.request.signal,
    });
  } catch (error) {
    if (!isKind(error, 'Expired')) throw error;
    throw place ? expiredContinue(place, base) : expired(tooOld);
  }
  const last = page.items.at(-1);
  const metadata: ListMeta = {
    resourceVersion: String(page.revision),
    ...(page.more && last && { continue: writeContinue({ revision: page.revision, after: last.key }, base) }),
    ...(page.more &&
      !selection.match &&
      page.remaining !== undefined && { remainingItemCount: page.remaining }),
  };
  return { page, metadata };
}

function freshnessOf({ resourceVersion, match, limit }: ListParams, place: Continue | undefined): Freshness {
  if (place) return place.revision < 0 ? 'consistent' : { exact: place.revision };
  if (resourceVersion === undefined) return 'consistent';
  // A page of a revision without saying how it is meant is of exactly that one, as it was before one could say.
  const isExact = match === 'Exact' || (match === undefined && limit > 0 && resourceVersion > 0);
  if (isExact) return { exact: resourceVersion };
  return resourceVersion === 0 ? 'any' : { notOlderThan: resourceVersion };
}

/** A list of the stored bytes. Items of typed lists do not repeat their kind, which stands at the start of each. */
function listJson(entry: RegistryEntry, items: readonly CachedObject[], metadata: ListMeta): Pieces {
  const { listKind, kind } = entry.definition;
  const head = JSON.stringify({ kind: listKind, apiVersion: entry.apiVersion, metadata });
  const pieces: Uint8Array[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
  const skip = Buffer.byteLength(JSON.stringify({ kind, apiVersion: entry.apiVersion }));
  for (let index = 0; index < items.length; index++) {
    pieces.push(index === 0 ? open : separator, (items[index] as CachedObject).json.subarray(skip));
  }
  pieces.push(close);
  return piecesOf(pieces);
}

const open = Buffer.from('{');
const separator = Buffer.from(',{');
const close = Buffer.from(']}');
