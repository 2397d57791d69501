/** `/openapi/v2` and `/openapi/v3`, made from the definitions of what is served. */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { JsonObject } from '../../../lib/api/object.ts';
import { documentation } from '../../../lib/api/schemas.ts';
import { notAcceptable } from '../../../lib/api/status.ts';
import type { ApiResponse } from '../../../lib/http/types.ts';
import { groupDefinitions } from '../discovery/groups.ts';
import type { ResourceDefinition } from '../registry/definition.ts';
import { definitionFacts, type Texts } from './components.ts';
import { openApiV2 } from './v2.ts';
import { encodeOpenApiV2 } from './v2-protobuf.ts';
import { openApiV3 } from './v3.ts';

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
const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
/** What a client of version 2 may ask for, and what it is told that it got: an `@` is no part of a media type. */
const v2Types: Readonly<Record<string, string>> = {
  [jsonType]: jsonType,
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf': protobufType,
  [protobufType]: protobufType,
};

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

  const keep = (key: string, make: () => JsonObject | Uint8Array): Document => {
    const known = made.get(key);
    if (known) return known;
    const content = make();
    const isBinary = content instanceof Uint8Array;
    const body = isBinary ? content : Buffer.from(JSON.stringify(content));
    const hash = createHash('sha512').update(body).digest('hex').toUpperCase();
    const document = { mediaType: isBinary ? protobufType : jsonType, gzipped: gzipSync(body), hash };
    made.set(key, document);
    return document;
  };
  const groupVersionDocument = (key: string, texts: Texts): Document | undefined => {
    const resources = byGroupVersion.get(key);
    return resources && keep(key, () => openApiV3(resources, factsOf(texts), serverVersion));
  };
  const indexDocument = (texts: Texts): Document =>
    keep('v3', () => ({
      paths: Object.fromEntries(
        [...byGroupVersion.keys()]
          .sort()
          .map((key) => [key, { serverRelativeURL: hashedUrl(key, groupVersionDocument(key, texts)) }]),
      ),
    }));

  return {
    async respond(request) {
      const path = request.path.replace(/\/+$/, '');
      if (path === '/openapi/v2') {
        const mediaType = v2Types[accepted(request.accept, Object.keys(v2Types))] ?? jsonType;
        const texts = await documentation();
        const make = () => openApiV2(definitions, factsOf(texts), serverVersion);
        return answer(
          keep(`v2 ${mediaType}`, mediaType === jsonType ? make : () => encodeOpenApiV2(make())),
          request,
        );
      }
      if (path === '/openapi/v3') return answer(indexDocument(await documentation()), request);
      if (!path.startsWith('/openapi/v3/')) return undefined;
      const key = path.slice('/openapi/v3/'.length);
      const document = groupVersionDocument(key, await documentation());
      if (!document) return undefined;
      accepted(request.accept, [jsonType]);
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

function hashedUrl(key: string, document: Document | undefined): string {
  return `/openapi/v3/${key}?hash=${document?.hash ?? ''}`;
}

function answer(document: Document, request: OpenApiRequest, more: Record<string, string> = {}): ApiResponse {
  const etag = `"${document.hash}"`;
  const headers: Record<string, string> = { etag, vary: 'Accept', ...more };
  if (request.ifNoneMatch === etag) return { status: 304, headers, body: undefined };
  const asGzip = (request.acceptEncoding ?? '').split(',').some((part) => /^\s*gzip\s*(;|$)/.test(part));
  const body = asGzip ? document.gzipped : gunzipSync(document.gzipped);
  headers['content-type'] = document.mediaType;
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
