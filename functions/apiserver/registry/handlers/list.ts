import type { ListMeta } from '../../../../lib/api/gen/types.ts';
import { badRequest, expired, toStatus } from '../../../../lib/api/status.ts';
import { isKind } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { CachedObject, CachedPage, Freshness } from '../../../../lib/store/cache/index.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { respondJson, respondObject } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import { type ListParams, listParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { selectionFor } from '../selection.ts';
import { renderList, representationOf } from './render.ts';

/** A place in a list: the snapshot's revision (-1: whatever is newest) and the last key that was sent. */
interface Continue {
  revision: number;
  after: string;
}

const tooOldToContinue =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

export async function listObjects(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const params = listParams(context.request.query, entry, false);
  const { namespace } = context.info;
  const selection = selectionFor(entry, namespace, params);
  const base = entry.definition.namespaced && namespace ? `${namespace}/` : '';
  const place = params.continue === undefined ? undefined : readContinue(params.continue, base);
  if (place && params.resourceVersion !== undefined && params.resourceVersion !== 0) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  let page: CachedPage;
  try {
    page = await backend.cache.list(entry.storage, {
      prefix: selection.prefix,
      ...(selection.match && { match: selection.match }),
      freshness: freshnessOf(params, place),
      ...(params.limit > 0 && { limit: params.limit }),
      ...(place && { after: place.after }),
      signal: context.request.signal,
    });
  } catch (error) {
    if (place && isKind(error, 'Expired')) return continuation(place, base);
    throw error;
  }
  const last = page.items.at(-1);
  const metadata: ListMeta = {
    resourceVersion: String(page.revision),
    ...(page.more && last && { continue: writeContinue({ revision: page.revision, after: last.key }, base) }),
    ...(page.more &&
      !selection.match &&
      page.remaining !== undefined && { remainingItemCount: page.remaining }),
  };
  if (representation.transform.as === 'object' && !entry.conversion) {
    const json = listJson(entry, page.items, metadata);
    return respondJson(context, representation, json);
  }
  const objects = page.items.map(({ object }) => object);
  return respondObject(
    context,
    representation,
    renderList(context, entry, representation, objects, metadata, backend.clock.now()),
  );
}

function freshnessOf({ resourceVersion, match }: ListParams, place: Continue | undefined): Freshness {
  if (place) return place.revision < 0 ? 'consistent' : { exact: place.revision };
  if (resourceVersion === undefined) return 'consistent';
  if (match === 'Exact') return { exact: resourceVersion };
  return resourceVersion === 0 ? 'any' : { notOlderThan: resourceVersion };
}

/** A list of the stored bytes. Items of typed lists do not repeat their kind, which stands at the start of each. */
function listJson(entry: RegistryEntry, items: readonly CachedObject[], metadata: ListMeta): Uint8Array {
  const { listKind, kind } = entry.definition;
  const head = JSON.stringify({ kind: listKind, apiVersion: entry.apiVersion, metadata });
  const chunks: Uint8Array[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
  const skip = Buffer.byteLength(JSON.stringify({ kind, apiVersion: entry.apiVersion }));
  for (let index = 0; index < items.length; index++) {
    chunks.push(index === 0 ? open : separator, (items[index] as CachedObject).json.subarray(skip));
  }
  chunks.push(close);
  return Buffer.concat(chunks);
}

const open = Buffer.from('{');
const separator = Buffer.from(',{');
const close = Buffer.from(']}');

/** Opaque to clients; `start` is relative to the namespace, so that a token cannot leave it. */
function writeContinue({ revision, after }: Continue, base: string): string {
  const start = `${after.slice(base.length)}\0`;
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

function readContinue(token: string, base: string): Continue {
  let parsed: { v?: unknown; rv?: unknown; start?: unknown };
  try {
    parsed = JSON.parse(Buffer.from(token, 'base64url').toString()) as typeof parsed;
  } catch {
    throw badRequest('continue key is not valid: illegal base64 data');
  }
  const { v, rv, start } = parsed ?? {};
  if (v !== 'meta.k8s.io/v1')
    throw badRequest('continue key is not valid: server does not recognize this encoded version');
  if (typeof start !== 'string' || start === '') {
    throw badRequest('continue key is not valid: encoded continue key has no start');
  }
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0) {
    throw badRequest(
      'continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    );
  }
  return { revision: rv, after: base + start.replace(/\0$/, '') };
}

/** 410, with a token that goes on from the same place in whatever is newest. */
function continuation(place: Continue, base: string): ApiResponse {
  const { code, status } = toStatus(expired(tooOldToContinue));
  status.metadata = { continue: writeContinue({ ...place, revision: -1 }, base) };
  return {
    status: code,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(status)),
  };
}
