/**
 * The API server as a Lambda function behind a REST API of API Gateway, with proxy integration. Responses are streamed
 * where the platform can ("Set up a Lambda proxy integration with payload response streaming in API Gateway"), else they
 * are collected: then a watch answers with its first events, or after a short wait, and the client comes back with the
 * revision that it has.
 */
import type { Writable } from 'node:stream';
import type { Status } from '../../../lib/api/gen/types.ts';
import { badRequest, requestEntityTooLarge, toStatus } from '../../../lib/api/status.ts';
import type { Clock } from '../../../lib/clock.ts';
import { pause } from '../../../lib/clock.ts';
import type { ApiHandler, ApiRequest, ApiResponse } from '../../../lib/http/types.ts';
import { isListed, writeAll } from './exchange.ts';

/** Our slice of "Input format of a Lambda function for proxy integration" of REST APIs. */
export interface ProxyEvent {
  httpMethod: string;
  /** Still percent-encoded, without the stage. */
  path: string;
  headers?: Record<string, string> | null;
  multiValueHeaders?: Record<string, string[]> | null;
  /** Decoded. */
  queryStringParameters?: Record<string, string> | null;
  multiValueQueryStringParameters?: Record<string, string[]> | null;
  body?: string | null;
  isBase64Encoded?: boolean;
  requestContext?: { identity?: { sourceIp?: string } };
}

/** "Output format of a Lambda function for proxy integration". */
export interface ProxyResult {
  statusCode: number;
  headers: Record<string, string>;
  multiValueHeaders: Record<string, string[]>;
  body: string;
  isBase64Encoded: boolean;
}

const bookmarkStart = Buffer.from('{"type":"BOOKMARK"');

/** What comes before the body of a streamed response. */
export type StreamPrelude = Pick<ProxyResult, 'statusCode' | 'headers' | 'multiValueHeaders'>;

/** Lambda takes and gives 6 MB at most ("Lambda quotas"), in base64 where it is not text, and some of it is not body. */
export const mostPayloadBytes = 6 * 1024 * 1024 - 64 * 1024;

/** @throws TypeError for what is no event of a REST API. */
export function requestOf(event: ProxyEvent, signal: AbortSignal): ApiRequest {
  if (typeof event?.httpMethod !== 'string' || typeof event.path !== 'string') {
    throw new TypeError('the event is not one of a REST API with proxy integration');
  }
  const headers: Record<string, string> = {};
  const headerLists: Record<string, string[]> = {};
  for (const [key, values] of Object.entries(event.multiValueHeaders ?? listsOf(event.headers))) {
    const name = key.toLowerCase();
    headers[name] = values.join(', ');
    if (isListed(name)) headerLists[name] = values;
  }
  const query = new URLSearchParams();
  const parameters = event.multiValueQueryStringParameters ?? listsOf(event.queryStringParameters);
  for (const [name, values] of Object.entries(parameters)) {
    for (const value of values) query.append(name, value);
  }
  return {
    method: event.httpMethod,
    path: encodedPath(event.path),
    query,
    headers,
    ...(Object.keys(headerLists).length > 0 && { headerLists }),
    body:
      event.body === null || event.body === undefined
        ? undefined
        : Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8'),
    peer: { via: 'lambda', address: event.requestContext?.identity?.sourceIp ?? '' },
    signal,
  };
}

export interface CollectOptions {
  clock: Clock;
  /**
   * How long a watch in which nothing happens is kept open. Not long: client-go does not end before its last watch has
   * answered, and so `kubectl wait` and `rollout status` last that much longer than what they wait for.
   */
  quietMs?: number;
  /** How long it may take to end then. */
  graceMs?: number;
  /** How long after its first event. */
  lingerMs?: number;
}

/**
 * A whole answer. A watch ends after its first events, or after a short wait, and with a bookmark. (client-go takes a watch
 * that brought nothing at all for broken, and waits longer each time before the next.)
 */
export async function answerBuffered(
  handle: ApiHandler,
  event: ProxyEvent,
  { clock, quietMs = 2_000, graceMs = 2_000, lingerMs = 50 }: CollectOptions,
  signal: AbortSignal,
): Promise<ProxyResult> {
  if (!asksForWatch(event)) {
    const response = explained(event.path, await handle(requestOf(event, signal)));
    return resultOf(response, await collect(response.body));
  }
  const over = new AbortController();
  const end = new AbortController();
  const cut = new AbortController();
  const endAfter = async (ms: number) => {
    await pause(clock, ms, over.signal);
    end.abort(new Error('the platform does not stream'));
    await pause(clock, graceMs, over.signal);
    cut.abort(new Error('the stream does not end'));
  };
  const request = requestOf(event, AbortSignal.any([signal, cut.signal]));
  const response = explained(event.path, await handle({ ...request, endStream: end.signal }));
  const ends = [endAfter(quietMs)];
  const bytes = await collect(response.body, () => {
    if (ends.length === 1) ends.push(endAfter(lingerMs));
  });
  over.abort();
  await Promise.all(ends);
  return resultOf(response, bytes);
}

/** Writes the answer as it comes; `open` writes what comes before the body. Ends early when the client goes away. */
export async function answerStreamed(
  handle: ApiHandler,
  event: ProxyEvent,
  sink: Writable,
  open: (sink: Writable, prelude: StreamPrelude) => Writable,
  /** `endStream` aborts when a watch has to end by itself, before the platform ends it. */
  { signal, endStream }: { signal: AbortSignal; endStream: AbortSignal },
): Promise<void> {
  const gone = new AbortController();
  const leave = () => gone.abort(new Error('the client went away'));
  sink.once('close', leave);
  sink.once('error', leave);
  try {
    const request = requestOf(event, AbortSignal.any([signal, gone.signal]));
    const response = explained(event.path, await handle({ ...request, endStream }));
    const out = open(sink, preludeOf(response));
    // The runtime writes the prelude with the first write, be it of nothing: without it an answer that has no body is none,
    // and a watch in which nothing happens does not begin.
    out.write('');
    if (response.body instanceof Uint8Array) out.write(response.body);
    else if (response.body) await writeAll(response.body, out);
    await ended(out);
  } finally {
    sink.removeListener('close', leave);
  }
}

function ended(out: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (out.destroyed) return resolve();
    out.once('close', resolve);
    out.end(() => resolve());
  });
}

async function collect(body: ApiResponse['body'], onChunk?: () => void): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array(0);
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    if (chunk.byteLength === 0) continue;
    chunks.push(chunk);
    if (!isBookmark(chunk)) onChunk?.();
  }
  return Buffer.concat(chunks);
}

/** Nothing has happened: a watch of what is empty begins with one, and whoever asked would be back at once. */
function isBookmark(chunk: Uint8Array): boolean {
  return Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.byteLength, 18)).equals(bookmarkStart);
}

function resultOf(response: ApiResponse, bytes: Uint8Array): ProxyResult {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isText = isTextual(response.headers);
  const encoded = body.toString(isText ? 'utf8' : 'base64');
  if (Buffer.byteLength(encoded) > mostPayloadBytes) return tooLarge(body.byteLength);
  return { ...preludeOf(response), body: encoded, isBase64Encoded: !isText };
}

/** Of a pod, a Service or a node: what only its node's network has. */
const besideNodes = /^\/api\/v1\/(?:namespaces\/[^/]+\/)?(?:pods|services|nodes)\/[^/]+\/(log|proxy)(?:\/|$)/;
const undialled = /dial tcp \S+: (?:i\/o timeout|connect: (?:no route to host|network is unreachable))$/;

/** What functions cannot have, and where it can be had. */
const elsewhere = {
  upgrade:
    'exec, attach, port-forward and proxied upgrades need a connection in both directions, which API Gateway does not carry: exec, attach and port-forward go by way of the stack’s Edge (docs/aws.md)',
  log: 'functions do not reach the network of the nodes: logs go by way of the stack’s Edge (docs/aws.md)',
  proxy:
    'functions do not reach the network of the nodes: use port-forward, by way of the stack’s Edge (docs/aws.md)',
};

/**
 * API Gateway connects no two ends byte by byte, and a function is outside of the nodes' network: what was allowed and cannot
 * be had here says where it can.
 */
function explained(path: string, response: ApiResponse): ApiResponse {
  if (response.upgrade) {
    const { code, status } = toStatus(badRequest(elsewhere.upgrade));
    return jsonResponse(code, status);
  }
  const way = besideNodes.exec(path)?.[1] as 'log' | 'proxy' | undefined;
  const { status: code, headers, body } = response;
  if (!way || code < 500 || !(body instanceof Uint8Array)) return response;
  if (!String(headers['content-type']).startsWith('application/json')) return response;
  const status = JSON.parse(Buffer.from(body).toString()) as Status;
  if (!undialled.test(status.message ?? '')) return response;
  return jsonResponse(code, { ...status, message: `${status.message}; ${elsewhere[way]}` });
}

function jsonResponse(status: number, body: Status): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  };
}

function tooLarge(bodyBytes: number): ProxyResult {
  const { code, status } = toStatus(
    requestEntityTooLarge(
      `the answer has ${bodyBytes} bytes, and a response that is not streamed at most ${mostPayloadBytes}: ask for less, with a limit or a selector`,
    ),
  );
  return {
    statusCode: code,
    headers: { 'content-type': 'application/json' },
    multiValueHeaders: {},
    body: JSON.stringify(status),
    isBase64Encoded: false,
  };
}

function preludeOf({ status, headers }: ApiResponse): StreamPrelude {
  const single: Record<string, string> = {};
  const multiple: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    // The platform counts for itself, and what it passes on may be another encoding.
    if (name === 'content-length' || name === 'transfer-encoding') continue;
    if (Array.isArray(value)) multiple[name] = value;
    else single[name] = value;
  }
  return { statusCode: status, headers: single, multiValueHeaders: multiple };
}

/** JSON, YAML and plain text that is not compressed can be sent as it is; all else is base64 on its way. */
function isTextual(headers: ApiResponse['headers']): boolean {
  const type = String(headers['content-type'] ?? 'text/plain');
  return !headers['content-encoding'] && /^text\/|[/+](json|yaml|jwk-set\+json|openmetrics-text)/.test(type);
}

/** Whether the answer goes on for as long as it may: `watch=true`, or a path of the old form `/api/v1/watch/pods`. */
export function asksForWatch(event: ProxyEvent): boolean {
  const { watch } = event.queryStringParameters ?? {};
  const [last] = event.multiValueQueryStringParameters?.watch?.slice(-1) ?? [watch];
  return (
    (last !== undefined && last !== 'false' && last !== '0') || /^\/api[^/]*\/.*\/?watch\//.test(event.path)
  );
}

function listsOf(values: Record<string, string> | null | undefined): Record<string, string[]> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, [value]]));
}

/** Emulators decode it: what cannot stand in an encoded path is encoded, and what is encoded stays as it is. */
function encodedPath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]|%(?![0-9A-Fa-f]{2})/gu, (character) =>
    encodeURIComponent(character),
  );
}
