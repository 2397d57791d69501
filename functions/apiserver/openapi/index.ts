/** `/openapi/v2` and `/openapi/v3`, made from the definitions of what is served. */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { JsonObject } from '../../../lib/api/object.ts';
import { documentation } from '../../../lib/api/schemas.ts';
import { notAcceptable } from '../../../lib/api/status.ts';
import { withoutEndSlashes } from '../../../lib/http/slashes.ts';
import type { ApiResponse } from '../../../lib/http/types.ts';
import { groupDefinitions } from '../discovery/groups.ts';
import type { ResourceDefinition } from '../registry/definition.ts';
import { definitionFacts, type Texts } from './components.ts';
import { openApiV2 } from './v2.ts';
import { encodeOpenApiV2 } from './v2-protobuf.ts';
import { openApiV3 } from './v3.ts';
import { encodeOpenApiV3 } from './v3-protobuf.ts';

export interface OpenApiRequest {
  path: string;
  query: URLSearchParams;
  accept: string | undefined;
  acceptEncoding?: string | undefined;
  ifNoneMatch: string | undefined;
  /** Milliseconds since the epoch. */
  now: number;
}

export interface OpenApi {
  /**
   * The answer for `/openapi/v2`, `/openapi/v3` and what is below it, or undefined for other paths and for groups and
   * versions that there are not.
   * @throws KumulusError NotAcceptable to clients that take a form alone that there is none of.
   */
  respond(request: OpenApiRequest): Promise<ApiResponse | undefined>;
}

interface Document {
  mediaType: string;
  /** Kept compressed: that is what nearly every client takes, and a tenth of the memory. */
  gzipped: Buffer;
  /** Upper-case hexadecimal SHA-512 of the plain body: its ETag, and its hash in the index. */
  hash: string;
}

const jsonType = 'application/json';
/** What a client of a version may ask for, and what it is told that it got: an `@` is no part of a media type. */
const typesOf = (version: 'v2' | 'v3'): Readonly<Record<string, string>> => {
  const protobufType = `application/com.github.proto-openapi.spec.${version}.v1.0+protobuf`;
  return {
    [jsonType]: jsonType,
    [protobufType]: protobufType,
    [`application/com.github.proto-openapi.spec.${version}@v1.0+protobuf`]: protobufType,
  };
};
const v2Types = typesOf('v2');
const v3Types = typesOf('v3');

const yearMs = 365 * 24 * 3600 * 1000;

/**
 * OpenAPI of these definitions. Documents are made when they are first asked for and kept; make a new OpenApi when the
 * definitions change.
 * @param serverVersion `v1.36.2+kumulus`
 */
export function createOpenApi(definitions: readonly ResourceDefinition[], serverVersion: string): OpenApi {
  const byGroupVersion = new Map(
    groupDefinitions(definitions).flatMap(({ name, versions }) =>
      versions.map(({ version, resources }) => [
        name === '' ? `api/${version}` : `apis/${name}/${version}`,
        resources,
      ]),
    ),
  );
  const made = new Map<string, Document>();
  const factsOf = (texts: Texts) => definitionFacts(texts, definitions);

  const keep = (
    key: string,
    mediaType: string,
    make: () => JsonObject | Uint8Array,
    hashOf: (body: Uint8Array) => string = sha512,
  ): Document => {
    const known = made.get(`${key} ${mediaType}`);
    if (known) return known;
    const content = make();
    const body = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
    const document = { mediaType, gzipped: gzipSync(body), hash: hashOf(body) };
    made.set(`${key} ${mediaType}`, document);
    return document;
  };
  const groupVersionDocument = (
    key: string,
    resources: readonly ResourceDefinition[],
    texts: Texts,
    mediaType = jsonType,
  ): Document => {
    const make = () => openApiV3(resources, factsOf(texts), serverVersion);
    const json = keep(key, jsonType, make);
    if (mediaType === jsonType) return json;
    // The index has one hash for both forms.
    return keep(
      key,
      mediaType,
      () => encodeOpenApiV3(make()),
      () => json.hash,
    );
  };
  const indexDocument = (texts: Texts): Document =>
    keep('v3', jsonType, () => ({
      paths: Object.fromEntries(
        [...byGroupVersion]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, resources]) => [
            key,
            { serverRelativeURL: hashedUrl(key, groupVersionDocument(key, resources, texts)) },
          ]),
      ),
    }));

  return {
    async respond(request) {
      const path = withoutEndSlashes(request.path);
      if (path === '/openapi/v2') {
        const mediaType = v2Types[accepted(request.accept, Object.keys(v2Types))] ?? jsonType;
        const texts = await documentation();
        const make = () => openApiV2(definitions, factsOf(texts), serverVersion);
        const document = keep('v2', mediaType, mediaType === jsonType ? make : () => encodeOpenApiV2(make()));
        return answer(document, request);
      }
      if (path === '/openapi/v3') return answer(indexDocument(await documentation()), request);
      if (!path.startsWith('/openapi/v3/')) return undefined;
      const key = path.slice('/openapi/v3/'.length);
      const resources = byGroupVersion.get(key);
      if (!resources) return undefined;
      const mediaType = v3Types[accepted(request.accept, Object.keys(v3Types))];
      const document = groupVersionDocument(key, resources, await documentation(), mediaType);
      const hash = request.query.get('hash');
      if (!hash) return answer(document, request);
      if (hash !== document.hash) {
        return {
          status: 301,
          headers: { location: hashedUrl(key, document), vary: 'Accept' },
          body: undefined,
        };
      }
      return answer(document, request, {
        'cache-control': 'public, immutable',
        expires: new Date(request.now + yearMs).toUTCString(),
      });
    },
  };
}

function sha512(body: Uint8Array): string {
  return createHash('sha512').update(body).digest('hex').toUpperCase();
}

function hashedUrl(key: string, document: Document): string {
  return `/openapi/v3/${key}?hash=${document.hash}`;
}

function answer(document: Document, request: OpenApiRequest, more: Record<string, string> = {}): ApiResponse {
  const etag = `"${document.hash}"`;
  // The type also where there is no body: API Gateway would say that it is plain JSON.
  const headers: Record<string, string> = {
    etag,
    vary: 'Accept',
    'content-type': document.mediaType,
    ...more,
  };
  if (request.ifNoneMatch === etag) return { status: 304, headers, body: undefined };
  const asGzip = (request.acceptEncoding ?? '').split(',').some((part) => /^\s*gzip\s*(;|$)/.test(part));
  const body = asGzip ? document.gzipped : gunzipSync(document.gzipped);
  headers['content-length'] = String(body.byteLength);
  if (asGzip) headers['content-encoding'] = 'gzip';
  return { status: 200, headers, body };
}

/**
 * The first of the client's types that is offered.
 * @throws KumulusError NotAcceptable
 */
function accepted(accept: string | undefined, offered: readonly string[]): string {
  for (const clause of (accept || '*/*').split(',')) {
    const type = (clause.split(';')[0] ?? '').trim().toLowerCase();
    const found =
      type === '*/*' || type === 'application/*' || type === ''
        ? offered[0]
        : offered.find((one) => one === type);
    if (found !== undefined) return found;
  }
  throw notAcceptable(offered.map((type) => type));
}
