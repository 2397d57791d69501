import type { KubeObject } from '../../../../lib/api/object.ts';
import { protobufWatchFrame } from '../../../../lib/api/protobuf/index.ts';
import { notAcceptable, toStatus } from '../../../../lib/api/status.ts';
import { renderTable, partialObjectMetadata } from '../../../../lib/api/table/index.ts';
import { isKind } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { CachedEvent, CacheWatch, EventBatch, WatchOptions } from '../../../../lib/store/cache/index.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { jsonType, protobufType, type Representation, yamlType } from '../../pipeline/negotiate.ts';
import { encodeAsProtobuf } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import { type ListParams, listParams } from '../params.ts';
import { type RegistryEntry, served } from '../registry.ts';
import { selectionFor } from '../selection.ts';
import { includeObject, representationOf } from './render.ts';

const bookmarkIntervalMs = 55_000;
/** kube-apiserver's `--min-request-timeout`; a watch without a timeout of its own lasts one to two times as long. */
const minTimeoutSeconds = 1800;
/** The longest that a timer runs. */
const maxTimeoutMs = 2 ** 31 - 1;

export async function watchObjects(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const { mediaType } = representation;
  if (mediaType === yamlType) {
    throw notAcceptable([jsonType, protobufType].map((type) => `${type};stream=watch`));
  }
  const params = listParams(context.request.query, entry, true, context.info.name);
  const timeoutMs = Math.min(
    1000 * (params.timeoutSeconds || minTimeoutSeconds * (1 + Math.random())),
    maxTimeoutMs,
  );
  const over = new AbortController();
  const signal = AbortSignal.any([context.request.signal, backend.closing, over.signal]);
  const timer = backend.clock.sleep(timeoutMs, signal).then(
    () => over.abort(),
    () => undefined,
  );
  const { endStream } = context.request;
  if (endStream?.aborted) over.abort();
  endStream?.addEventListener('abort', () => over.abort(), { once: true });
  const headers = {
    'content-type': mediaType === protobufType ? `${protobufType};stream=watch` : mediaType,
    'cache-control': 'no-cache, private',
  };
  try {
    const { namespace } = context.info;
    const { prefix, match } = selectionFor(entry, namespace, params);
    const watch = await backend.cache.watch(entry.storage, {
      from: await startOf(backend, entry, params),
      prefix,
      ...(match && { match }),
      signal,
    });
    const frames = frameWriter(backend, context, entry, representation);
    return { status: 200, headers, body: stream(backend, watch, params, frames, over, signal) };
  } catch (error) {
    over.abort();
    await timer;
    // A watch that cannot start where it was asked to says so in its first frame, as kube-apiserver's cache does.
    if (isKind(error, 'Expired', 'Gone')) return { status: 200, headers, body: errorFrame(error, mediaType) };
    throw error;
  }
}

async function startOf(
  backend: Backend,
  entry: RegistryEntry,
  params: ListParams,
): Promise<WatchOptions['from']> {
  const { resourceVersion, sendInitialEvents } = params;
  if (sendInitialEvents) {
    if (resourceVersion === undefined) return 'consistent';
    return resourceVersion === 0 ? 'any' : { initialNotOlderThan: resourceVersion };
  }
  return resourceVersion || backend.store.head(entry.storage);
}

interface FrameWriter {
  error(error: unknown): Uint8Array;
  event(event: CachedEvent): Uint8Array;
  bookmark(revision: number, initialEventsEnd: boolean): Uint8Array;
}

/** Batches, and a bookmark about once a minute and when the time is over; ends when that, the client or the server is gone. */
async function* stream(
  backend: Backend,
  watch: CacheWatch,
  params: ListParams,
  frames: FrameWriter,
  over: AbortController,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = watch[Symbol.asyncIterator]();
  let wake = () => {};
  let arrived: IteratorResult<EventBatch> | { error: unknown } | undefined;
  let reading = false;
  let bookmarkDue = false;
  const tick = () => {
    if (!params.allowWatchBookmarks) return;
    void backend.clock.sleep(bookmarkIntervalMs * (0.9 + Math.random() * 0.1), signal).then(
      () => {
        bookmarkDue = true;
        wake();
      },
      () => undefined,
    );
  };
  tick();
  try {
    for (;;) {
      if (!reading && !arrived) {
        reading = true;
        void iterator.next().then(
          (result) => {
            arrived = result;
            reading = false;
            wake();
          },
          (error: unknown) => {
            arrived = { error };
            reading = false;
            wake();
          },
        );
      }
      if (!arrived && !bookmarkDue) await new Promise<void>((resolve) => (wake = resolve));
      if (arrived) {
        const result = arrived;
        arrived = undefined;
        if ('error' in result) throw result.error;
        if (result.done) {
          // Its time is over and the client is still there: it may go on from here, however quiet it was.
          if (over.signal.aborted && params.allowWatchBookmarks)
            yield frames.bookmark(watch.revision(), false);
          return;
        }
        const { events, revision, initialEventsEnd } = result.value;
        const chunks = events.map((event) => frames.event(event));
        if (initialEventsEnd && params.sendInitialEvents && params.allowWatchBookmarks) {
          chunks.push(frames.bookmark(revision, true));
        }
        if (chunks.length > 0) yield chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      } else if (bookmarkDue) {
        bookmarkDue = false;
        tick();
        yield frames.bookmark(watch.revision(), false);
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    yield frames.error(error);
  } finally {
    over.abort();
    await iterator.return?.();
  }
}

function frameWriter(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
  representation: Representation,
): FrameWriter {
  const { transform } = representation;
  const { mediaType } = representation;
  const plain = transform.as === 'object' && !entry.conversion && mediaType === jsonType;
  const frame = (type: string, object: object) => encodeFrame(type, object, mediaType);
  const include = includeObject(context);
  let isFirst = true;
  const render = (object: KubeObject): object => {
    if (transform.as === 'object') return object;
    if (transform.as !== 'Table') return partialObjectMetadata(object, transform.version);
    const withoutColumns = !isFirst;
    isFirst = false;
    return renderTable(entry.definition, [object], {
      includeObject: include,
      now: backend.clock.now(),
      version: transform.version,
      metadata: { resourceVersion: object.metadata.resourceVersion },
      withoutColumns,
    });
  };
  return {
    error: (error) => errorFrame(error, mediaType),
    event: (event) => (plain ? event.frame : frame(event.type, render(served(entry, event.object)))),
    bookmark(revision, initialEventsEnd) {
      const metadata = {
        resourceVersion: String(revision),
        ...(initialEventsEnd && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
      };
      const object = { kind: entry.definition.kind, apiVersion: entry.apiVersion, metadata };
      if (transform.as === 'object') return frame('BOOKMARK', object);
      if (transform.as !== 'Table')
        return frame('BOOKMARK', partialObjectMetadata(object, transform.version));
      // Marks of progress carry no row, only the revision.
      return frame('BOOKMARK', {
        ...renderTable(entry.definition, [], {
          includeObject: include,
          now: backend.clock.now(),
          version: transform.version,
          metadata: { resourceVersion: String(revision) },
          withoutColumns: true,
        }),
        rows: [{ cells: [], object }],
      });
    },
  };
}

function encodeFrame(type: string, object: object, mediaType: Representation['mediaType']): Uint8Array {
  if (mediaType === protobufType) return protobufWatchFrame(type, encodeAsProtobuf(object as KubeObject));
  return Buffer.from(`${JSON.stringify({ type, object })}\n`);
}

function errorFrame(error: unknown, mediaType: Representation['mediaType']): Uint8Array {
  return encodeFrame('ERROR', toStatus(error).status, mediaType);
}
