import type { Status } from '../api/gen/types.ts';
import type { KubeObject, Persisted } from '../api/object.ts';
import { type Clock, systemClock } from '../clock.ts';
import { KumulusError } from '../errors.ts';
import type { ApiResponse } from '../http/types.ts';
import { backoffMs } from './backoff.ts';
import { readFrames, readText } from './body.ts';
import { aggregatedDiscovery, readDiscovery } from './discovery.ts';
import type { KubeClient, ObjectList, Resource, WatchEvent, WatchOptions } from './port.ts';
import { deleteBody, listQuery, objectPath, patchBody, pathOf, query, writeQuery } from './request.ts';
import { apiVersionOf } from './resources.ts';
import { errorOfResponse, errorOfStatus } from './status-error.ts';
import { BrokenConnection, type Transport } from './transport.ts';

export interface KubeClientOptions {
  clock?: Clock;
  random?: () => number;
  /** Sent as User-Agent, and so the default field manager: `kumulus-scheduler`. */
  userAgent?: string;
  /** How long one attempt of anything but a watch may take. Default 60 s. */
  requestTimeoutMs?: number;
  /** How often a request is sent again after 429, 503 or a broken connection. Default 5. */
  maxRetries?: number;
  /** Ends every request and watch of this client. */
  signal?: AbortSignal;
  /**
   * Ends the work that a call belongs to, asked at each call: once it aborted no request is begun any more, nor sent
   * again. One that is under way is left alone, so that nobody has to guess what became of a write.
   */
  workSignal?: () => AbortSignal | undefined;
}

interface Call {
  method: string;
  path: string;
  query?: URLSearchParams;
  accept?: string;
  contentType?: string;
  body?: unknown;
}

/**
 * A KubeClient over a transport. A request that was answered with 429 or 503 and a Retry-After is sent again after
 * that time; reads also after a 429 or 503 without one and after a broken connection (a write that may have arrived
 * is never repeated by itself). Between tries it backs off with jitter, at most `maxRetries` times.
 */
export function createKubeClient(transport: Transport, options: KubeClientOptions = {}): KubeClient {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const requestTimeoutMs = options.requestTimeoutMs ?? 60_000;
  const maxRetries = options.maxRetries ?? 5;
  const userAgent = options.userAgent ?? 'kumulus';
  const inFlight = new Set<AbortController>();
  options.signal?.addEventListener('abort', () => {
    for (const controller of inFlight) controller.abort(options.signal?.reason);
  });

  function open(): AbortController {
    options.signal?.throwIfAborted();
    const controller = new AbortController();
    inFlight.add(controller);
    return controller;
  }

  function send(call: Call, signal: AbortSignal): Promise<ApiResponse> {
    const headers: Record<string, string> = {
      accept: call.accept ?? 'application/json',
      'user-agent': userAgent,
    };
    let body: Uint8Array | undefined;
    if (call.body !== undefined) {
      body = Buffer.from(JSON.stringify(call.body));
      headers['content-type'] = call.contentType ?? 'application/json';
    }
    return transport({
      method: call.method,
      path: call.path,
      query: call.query ?? new URLSearchParams(),
      headers,
      body,
      signal,
    });
  }

  /** One attempt, with a deadline that covers the body too. */
  async function attempt(call: Call): Promise<{ response: ApiResponse; text: string }> {
    const controller = open();
    // Made only when it is late: an error with its stack costs more than most requests do otherwise.
    const late = () =>
      new KumulusError('Timeout', `${call.method} ${call.path}: no answer within ${requestTimeoutMs} ms`);
    const timer = setTimeoutOn(clock, requestTimeoutMs, () => controller.abort(late()));
    try {
      const response = await send(call, controller.signal);
      return { response, text: await readText(response.body) };
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      timer();
      inFlight.delete(controller);
    }
  }

  async function request<R>(call: Call): Promise<R> {
    const work = options.workSignal?.();
    for (let retry = 0; ; retry++) {
      work?.throwIfAborted();
      let waitMs: number;
      try {
        const { response, text } = await attempt(call);
        if (response.status < 400) return (text === '' ? undefined : JSON.parse(text)) as R;
        const retryAfterMs = retryAfterOf(response);
        const again =
          (response.status === 429 || response.status === 503) &&
          (retryAfterMs !== undefined || call.method === 'GET');
        if (!again || retry >= maxRetries) throw errorOfResponse(response.status, text);
        waitMs = (retryAfterMs ?? 0) + backoffMs(retry, { baseMs: 50, maxMs: 5_000, random });
      } catch (error) {
        if (!(error instanceof BrokenConnection) || call.method !== 'GET' || retry >= maxRetries) throw error;
        waitMs = backoffMs(retry, { baseMs: 50, maxMs: 5_000, random });
      }
      const ends = [options.signal, work].filter((signal) => signal !== undefined);
      await clock.sleep(waitMs, ends.length > 0 ? AbortSignal.any(ends) : undefined);
    }
  }

  async function* watch<T extends KubeObject>(
    resource: Resource<T>,
    watchOptions: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const { signal } = watchOptions;
    if (signal.aborted) return;
    const controller = open();
    const onAbort = () => controller.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const params = listQuery(watchOptions);
    params.set('watch', 'true');
    if (watchOptions.allowWatchBookmarks) params.set('allowWatchBookmarks', 'true');
    if (watchOptions.timeoutSeconds) params.set('timeoutSeconds', String(watchOptions.timeoutSeconds));
    // A connection that died without a word is noticed at the latest half a minute after the server should have ended it.
    const deadline = watchOptions.timeoutSeconds
      ? setTimeoutOn(clock, (watchOptions.timeoutSeconds + 30) * 1000, () => controller.abort(overdue))
      : undefined;
    try {
      const response = await send(
        { method: 'GET', path: pathOf(resource, { namespace: watchOptions.namespace }), query: params },
        controller.signal,
      );
      if (response.status >= 400) {
        throw asExpired(errorOfResponse(response.status, await readText(response.body)));
      }
      for await (const frame of readFrames(response.body)) {
        if (controller.signal.aborted) break;
        yield eventOf<T>(resource, frame);
      }
    } catch (error) {
      if (signal.aborted || controller.signal.reason === overdue) return;
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      deadline?.();
      signal.removeEventListener('abort', onAbort);
      inFlight.delete(controller);
      controller.abort(ended);
    }
  }

  return {
    get: (resource, ref, { subresource, resourceVersion, query: more } = {}) =>
      request({
        method: 'GET',
        path: objectPath(resource, ref, subresource),
        query: query({ resourceVersion, ...more }),
      }),
    async list<T extends KubeObject>(resource: Resource<T>, listOptions = {}): Promise<ObjectList<T>> {
      const path = pathOf(resource, listOptions);
      const list = await request<ObjectList<T>>({ method: 'GET', path, query: listQuery(listOptions) });
      const items = (list.items ?? []) as Persisted<T>[];
      for (const item of items) named(resource, item);
      return { items, metadata: list.metadata };
    },
    watch,
    create: (resource, object, writeOptions = {}) =>
      request({
        method: 'POST',
        path: pathOf(resource, { namespace: namespaceOf(resource, object) }),
        query: writeQuery(writeOptions),
        body: {
          ...object,
          apiVersion: object.apiVersion ?? apiVersionOf(resource),
          kind: object.kind ?? resource.kind,
        },
      }),
    update: (resource, object, writeOptions = {}) =>
      request({
        method: 'PUT',
        path: objectPath(
          resource,
          { namespace: namespaceOf(resource, object), name: object.metadata.name ?? '' },
          writeOptions.subresource,
        ),
        query: writeQuery(writeOptions),
        body: {
          ...object,
          apiVersion: object.apiVersion ?? apiVersionOf(resource),
          kind: object.kind ?? resource.kind,
        },
      }),
    patch: (resource, ref, patch, writeOptions = {}) =>
      request({
        method: 'PATCH',
        path: objectPath(resource, ref, writeOptions.subresource),
        query: writeQuery(writeOptions),
        ...patchBody(patch),
      }),
    delete: async (resource, ref, deleteOptions = {}) => {
      await request({
        method: 'DELETE',
        path: objectPath(resource, ref),
        body: deleteBody(deleteOptions),
      });
    },
    deleteCollection: async (resource, { delete: deleteOptions = {}, ...listOptions } = {}) => {
      if (resource.namespaced && !listOptions.namespace) {
        throw new TypeError(`deleting a collection of ${resource.plural} needs a namespace`);
      }
      await request({
        method: 'DELETE',
        path: pathOf(resource, listOptions),
        query: listQuery(listOptions),
        body: deleteBody(deleteOptions),
      });
    },
    createSubresource: (resource, ref, subresource, body) =>
      request({ method: 'POST', path: objectPath(resource, ref, subresource), body }),
    discover: async () =>
      readDiscovery(
        await Promise.all(
          ['/api', '/apis'].map((path) =>
            request<object>({ method: 'GET', path, accept: aggregatedDiscovery }),
          ),
        ),
      ),
  };
}

const ended = new Error('the watch was ended');
const overdue = new Error('the server did not end the watch in time');

/** Calls `fire` after `ms` unless what is returned is called first. */
function setTimeoutOn(clock: Clock, ms: number, fire: () => void): () => void {
  const cancel = new AbortController();
  clock.sleep(ms, cancel.signal).then(fire, () => undefined);
  return () => cancel.abort(ended);
}

/** RFC 9110 section 10.2.3; the API server sends whole seconds, never a date. */
function retryAfterOf(response: ApiResponse): number | undefined {
  const value = response.headers['retry-after'] ?? response.headers['Retry-After'];
  const seconds = Number(Array.isArray(value) ? value[0] : value);
  return value !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function namespaceOf(resource: Resource<KubeObject>, object: KubeObject): string | undefined {
  if (!resource.namespaced) return undefined;
  if (!object.metadata.namespace) {
    throw new TypeError(`an empty namespace may not be set when a ${resource.kind} is written`);
  }
  return object.metadata.namespace;
}

/** Items of a list do not name their kind; everything behind this port may rely on it. */
function named<T extends KubeObject>(resource: Resource<T>, object: Persisted<T>): Persisted<T> {
  object.apiVersion ??= apiVersionOf(resource);
  object.kind ??= resource.kind;
  return object;
}

function eventOf<T extends KubeObject>(resource: Resource<T>, frame: unknown): WatchEvent<T> {
  const event = frame as { type?: string; object?: Persisted<T> & Partial<Status> };
  if (event.object === undefined || event.object === null) {
    throw new KumulusError('ServiceUnavailable', 'the server sent a watch event without an object');
  }
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: named(resource, event.object) };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion };
    case 'ERROR':
      throw asExpired(errorOfStatus(event.object as unknown as Partial<Status>));
    default:
      throw new KumulusError('ServiceUnavailable', `the server sent a watch event of type ${event.type}`);
  }
}

/** Both reasons of code 410 mean the same to a watcher: list again. */
function asExpired(error: KumulusError): KumulusError {
  return error.kind === 'Gone' ? new KumulusError('Expired', error.message, { cause: error }) : error;
}
