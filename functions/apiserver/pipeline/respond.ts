/** The last stage: objects and bytes become a response in the negotiated representation. */
import { stringify } from 'yaml';
import type { KubeObject } from '../../../lib/api/object.ts';
import { encodeProtobuf, hasProtobuf } from '../../../lib/api/protobuf/index.ts';
import type { Schema } from '../../../lib/api/schema.ts';
import { definition, schemaFor } from '../../../lib/api/schemas.ts';
import { notAcceptable, toStatus } from '../../../lib/api/status.ts';
import type { ApiResponse } from '../../../lib/http/types.ts';
import type { RequestContext } from './context.ts';
import { jsonType, protobufType, type Representation, yamlType } from './negotiate.ts';
import { gzipped, inChunks, type Pieces, piecesOf, wholeOf } from './pieces.ts';

/** Smaller bodies are sent at once, and are not worth the time to compress (upstream's `defaultGzipThresholdBytes`). */
const largeBytes = 128 * 1024;
/** Upstream's level: a fifth of the time of the default one. */
const gzipLevel = 1;

/** An object as the whole body. */
export async function respondObject(
  context: RequestContext,
  representation: Representation,
  object: unknown,
  status = 200,
): Promise<ApiResponse> {
  context.audit?.answered(object);
  if (representation.mediaType === protobufType) {
    return respondBytes(context, protobufType, encodeAsProtobuf(object as KubeObject), status);
  }
  const text =
    representation.mediaType === 'application/yaml'
      ? stringify(object, { aliasDuplicateObjects: false })
      : JSON.stringify(object, undefined, representation.pretty ? 2 : undefined);
  return respondBytes(context, representation.mediaType, Buffer.from(text), status);
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const partial: Schema = {
  type: 'object',
  name: `${meta}.PartialObjectMetadata`,
  properties: { metadata: definition(`${meta}.ObjectMeta`) },
};
/** What objects are shown as to those who ask for their metadata only; no kinds of any group. */
const bareMetadata: Readonly<Record<string, Schema>> = {
  PartialObjectMetadata: partial,
  PartialObjectMetadataList: {
    type: 'object',
    name: `${meta}.PartialObjectMetadataList`,
    properties: { metadata: definition(`${meta}.ListMeta`), items: { type: 'array', items: partial } },
  },
};

/** @throws KumulusError NotAcceptable for a kind that has no such form. */
export function encodeAsProtobuf(object: KubeObject): Uint8Array {
  const [version = '', group = ''] = (object.apiVersion ?? '').split('/').reverse();
  const kind = object.kind ?? '';
  const schema = group === 'meta.k8s.io' ? bareMetadata[kind] : schemaFor(group, version, kind);
  if (!schema || !hasProtobuf(schema)) throw notAcceptable([jsonType, yamlType]);
  return encodeProtobuf(object, schema);
}

/** JSON that is there already; parsed only where the client wants something else than plain JSON. */
export async function respondJson(
  context: RequestContext,
  representation: Representation,
  json: Uint8Array | Pieces,
  status = 200,
): Promise<ApiResponse> {
  const body = json instanceof Uint8Array ? piecesOf([json]) : json;
  if (representation.mediaType === 'application/json' && !representation.pretty) {
    context.audit?.answeredJson(body);
    return respondPieces(context, 'application/json', body, status);
  }
  const object: unknown = JSON.parse(Buffer.from(wholeOf(body)).toString());
  return respondObject(context, representation, object, status);
}

function respondBytes(
  context: RequestContext,
  mediaType: string,
  body: Uint8Array,
  status: number,
): ApiResponse {
  return respondPieces(context, mediaType, piecesOf([body]), status);
}

/** Large bodies go out in chunks, compressed where the client wants it. */
export function respondPieces(
  context: RequestContext,
  mediaType: string,
  body: Pieces,
  status = 200,
): ApiResponse {
  const { sizeBytes } = body;
  const isLarge = sizeBytes === undefined || sizeBytes > largeBytes;
  const headers: ApiResponse['headers'] = { 'content-type': mediaType, 'cache-control': 'no-cache, private' };
  if (isLarge && acceptsGzip(context)) {
    headers['content-encoding'] = 'gzip';
    headers.vary = 'Accept-Encoding';
    return { status, headers, body: gzipped(body, gzipLevel), isDocument: true };
  }
  if (sizeBytes !== undefined) headers['content-length'] = String(sizeBytes);
  if (isLarge) return { status, headers, body: inChunks(body), isDocument: true };
  return { status, headers, body: wholeOf(body) };
}

function acceptsGzip({ request }: RequestContext): boolean {
  if (request.peer.via === 'process') return false;
  return (request.headers['accept-encoding'] ?? '').split(',').some((part) => /^\s*gzip\s*(;|$)/.test(part));
}

/** Any error as a Status; always JSON, which every client reads. */
export function errorResponse(error: unknown): ApiResponse {
  const { code, status } = toStatus(error);
  const body = Buffer.from(JSON.stringify(status));
  const headers: ApiResponse['headers'] = {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
    'content-length': String(body.byteLength),
  };
  const retryAfterSeconds = status.details?.retryAfterSeconds;
  if (retryAfterSeconds !== undefined && retryAfterSeconds > 0)
    headers['retry-after'] = String(retryAfterSeconds);
  return { status: code, headers, body };
}

/** `Warning: 299 - "text"` for each (RFC 7234, 5.5; KEP-1693). */
export function addWarnings(response: ApiResponse, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  response.headers.warning = cut([...new Set(warnings)]).map(
    (text) => `299 - "${bytesOf(text.replaceAll(/[\\"]/g, '\\$&').replaceAll(/\p{Cc}+/gu, ' '))}"`,
  );
}

/** Letters of all warnings together, and of one where all together have more (KEP-1693). */
const mostLetters = 4096;
const mostLettersOfOne = 256;

function cut(texts: readonly string[]): readonly string[] {
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (length <= mostLetters) return texts;
  const some: string[] = [];
  let written = 0;
  for (const text of texts) {
    if (written >= mostLetters) break;
    const letters = Array.from(text.slice(0, 2 * mostLettersOfOne)).slice(0, mostLettersOfOne);
    some.push(letters.join(''));
    written += letters.length;
  }
  return some;
}

/** Its bytes in UTF-8, a letter each, as Node.js writes them to a header; a letter of more than a byte would be refused. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}
