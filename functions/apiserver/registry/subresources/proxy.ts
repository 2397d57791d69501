/**
 * `pods/proxy`, `services/proxy` and `nodes/proxy`: the request as it came, with any method, to an HTTP server in the
 * cluster; links and redirects of what comes back lead through the proxy again.
 */
import { promisify } from 'node:util';
import { deflateRaw, gunzip, gzip, inflateRaw } from 'node:zlib';
import { badRequest } from '../../../../lib/api/status.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { admissionOf } from '../handlers/write.ts';
import type { Backend } from '../backend.ts';
import { type ProxiedPage, rewriteHtml, rewriteUrl } from '../proxy/links.ts';
import { type Location, nodeLocation, podLocation, serviceLocation } from '../proxy/location.ts';
import type { Incoming } from '../proxy/send.ts';
import type { RegistryEntry } from '../registry.ts';

/** Of one connection only (RFC 9110, 7.6.1), or ours to say. */
const notPassedOn =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|http2-settings|authorization|impersonate-.*|x-remote-.*|:.*)$/;
/** A page for another origin must not be let in by what the server behind says. */
const corsHeader = /^access-control-allow-(credentials|headers|methods|origin)$/;
/** Larger pages keep their links. */
const maxHtmlBytes = 16 * 1024 * 1024;

export async function handleProxy(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const { request } = context;
  const params = { dryRun: false, fieldManager: undefined, fieldValidation: 'Ignore' as const, force: false };
  const write = { backend, context, entry, params, subresource: 'proxy' };
  const attributes = admissionOf(write, 'CONNECT', undefined, undefined);
  await backend.admission.mutate(attributes);
  await backend.admission.validate(attributes);
  const location = await locationOf(backend, context, entry);
  const { prefix, rest } = splitPath(request.path, entry.definition.namespaced);
  const query = request.query.toString();
  const isUpgrade = isUpgradeRequest(context);
  if (rest === '' && !isUpgrade && (request.method === 'GET' || request.method === 'HEAD')) {
    return redirect(`${prefix}/${query && `?${query}`}`);
  }
  const url = new URL(`${location.origin}${rest}${query && `?${query}`}`);
  const headers = outgoingHeaders(context, `${prefix}${rest}`);
  if (isUpgrade) {
    const upgrade = { ...headers, connection: 'Upgrade', upgrade: request.headers.upgrade ?? '' };
    const trusts = location.server === 'node' ? {} : { trusts: 'anyone' as const };
    const { through } = location;
    return {
      status: 101,
      headers: {},
      body: undefined,
      upgrade: { url: url.href, headers: upgrade, ...trusts, ...(through && { through }) },
    };
  }
  const signal = AbortSignal.any([request.signal, backend.closing]);
  const transport = location.server === 'node' ? backend.nodes : backend.proxy;
  const { method, body } = request;
  const answer = await transport.send({ method, url, headers, body, through: location.through, signal });
  const page = { backendHost: url.host, requestHost: request.headers.host ?? url.host, prefix };
  return respond(answer, page, request.method === 'HEAD', signal);
}

function locationOf(backend: Backend, { info }: RequestContext, entry: RegistryEntry): Promise<Location> {
  switch (entry.definition.plural) {
    case 'pods':
      return podLocation(backend, info.namespace, info.name);
    case 'services':
      return serviceLocation(backend, info.namespace, info.name);
    default:
      return nodeLocation(backend, info.name);
  }
}

/** The path up to the word `proxy`, and what follows it, both as the client wrote them. */
function splitPath(path: string, namespaced: boolean): { prefix: string; rest: string } {
  const segments = path.split('/');
  const count = namespaced ? 8 : 6;
  const rest = segments.slice(count);
  return { prefix: segments.slice(0, count).join('/'), rest: rest.length > 0 ? `/${rest.join('/')}` : '' };
}

/** Whether the host has a connection to hand over: one that only names a protocol is a request like any other. */
export function isUpgradeRequest({ request }: RequestContext): boolean {
  const { upgrade, connection = '' } = request.headers;
  return upgrade !== undefined && connection.toLowerCase().includes('upgrade');
}

function outgoingHeaders({ request }: RequestContext, forwardedUri: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !notPassedOn.test(name)) headers[name] = value;
  }
  headers['x-forwarded-uri'] = forwardedUri;
  if (request.peer.via !== 'process') {
    const before = headers['x-forwarded-for'];
    headers['x-forwarded-for'] = before ? `${before}, ${request.peer.address}` : request.peer.address;
  }
  if (request.body instanceof Uint8Array) headers['content-length'] = String(request.body.byteLength);
  // A length that no body follows would make the server behind take the next request on the connection for it.
  else if (request.body === undefined) delete headers['content-length'];
  return headers;
}

function redirect(location: string): ApiResponse {
  return { status: 301, headers: { location, 'content-length': '0' }, body: new Uint8Array() };
}

async function respond(
  answer: Incoming,
  page: ProxiedPage,
  isHead: boolean,
  signal: AbortSignal,
): Promise<ApiResponse> {
  const headers: ApiResponse['headers'] = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (!notPassedOn.test(name) && !corsHeader.test(name)) headers[name] = value;
  }
  const target = [headers.location].flat()[0];
  if (target) headers.location = rewriteUrl(target, page);
  const type = String(headers['content-type'] ?? '')
    .split(';', 1)[0]
    ?.trim();
  const body = untilAborted(answer.body, signal);
  if (target || type !== 'text/html' || isHead) return { status: answer.status, headers, body };
  const encoding = String(headers['content-encoding'] ?? '');
  const coding = codings[encoding];
  if (!coding) return { status: answer.status, headers, body };
  const { start, more } = await readUpTo(body, maxHtmlBytes);
  if (more) return { status: answer.status, headers, body: joined(start, more) };
  const text = Buffer.from(await coding.unpack(start)).toString();
  const rewritten = await coding.pack(Buffer.from(rewriteHtml(text, page)));
  headers['content-length'] = String(rewritten.byteLength);
  return { status: answer.status, headers, body: rewritten };
}

interface Coding {
  /** Rejects with BadRequest when the bytes are not in this coding, or unpack to more than there may be. */
  unpack(bytes: Uint8Array): Promise<Uint8Array>;
  pack(bytes: Uint8Array): Promise<Uint8Array>;
}

const limited = { maxOutputLength: maxHtmlBytes * 4 };
const plain: Coding = { unpack: (bytes) => Promise.resolve(bytes), pack: (bytes) => Promise.resolve(bytes) };
const codings: Readonly<Record<string, Coding>> = {
  '': plain,
  gzip: {
    unpack: (bytes) => unpacked(promisify(gunzip)(bytes, limited)),
    pack: (bytes) => promisify(gzip)(bytes),
  },
  deflate: {
    unpack: (bytes) => unpacked(promisify(inflateRaw)(bytes, limited)),
    pack: (bytes) => promisify(deflateRaw)(bytes),
  },
};

async function unpacked(bytes: Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await bytes;
  } catch {
    throw badRequest('the answer of the server behind the proxy cannot be unpacked');
  }
}

async function readUpTo(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<{ start: Uint8Array; more?: AsyncIterator<Uint8Array> }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const iterator = body[Symbol.asyncIterator]();
  for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
    chunks.push(step.value);
    size += step.value.byteLength;
    if (size > limitBytes) return { start: Buffer.concat(chunks), more: iterator };
  }
  return { start: Buffer.concat(chunks) };
}

async function* joined(start: Uint8Array, more: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start;
  for (let step = await more.next(); !step.done; step = await more.next()) yield step.value;
}

async function* untilAborted(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
