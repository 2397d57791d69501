/** `/openapi/v2` and `/openapi/v3`, made from the definitions of what is served. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../../lib/api/object.ts';
import { documentation } from '../../../lib/api/schemas.ts';
import { notAcceptable } from '../../../lib/api/status.ts';
import type { ApiResponse } from '../../../lib/http/types.ts';
import { groupDefinitions } from '../discovery/groups.ts';
import type { ResourceDefinition } from '../registry/definition.ts';
import { definitionFacts, type Texts } from './components.ts';
import { openApiV2 } from './v2.ts';
import { openApiV3 } from './v3.ts';

export interface OpenApiRequest {
  path: string;
  query: URLSearchParams;
  accept: string | undefined;
  ifNoneMatch: string | undefined;
  /** Milliseconds since the epoch. */
  now: number;
}

export interface OpenApi {
  /**
   * The answer for `/openapi/v2`, `/openapi/v3` and what is below it, or undefined for other paths and for groups and
   * versions that there are not.
   * @throws KumulusError NotAcceptable to clients that take the protobuf forms alone, which makes them ask for JSON.
   */
  respond(request: OpenApiRequest): Promise<ApiResponse | undefined>;
}

interface Document {
  body: Buffer;
  /** Upper-case hexadecimal SHA-512 of the body: its ETag, and its hash in the index. */
  hash: string;
}

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

  const keep = (key: string, make: () => JsonObject): Document => {
    const known = made.get(key);
    if (known) return known;
    const body = Buffer.from(JSON.stringify(make()));
    const document = { body, hash: createHash('sha512').update(body).digest('hex').toUpperCase() };
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
        acceptJson(request.accept);
        const texts = await documentation();
        return answer(
          keep('v2', () => openApiV2(definitions, factsOf(texts), serverVersion)),
          request,
        );
      }
      if (path === '/openapi/v3') return answer(indexDocument(await documentation()), request);
      if (!path.startsWith('/openapi/v3/')) return undefined;
      const key = path.slice('/openapi/v3/'.length);
      const document = groupVersionDocument(key, await documentation());
      if (!document) return undefined;
      acceptJson(request.accept);
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
  const headers = { etag, vary: 'Accept', ...more };
  if (request.ifNoneMatch === etag) return { status: 304, headers, body: undefined };
  return {
    status: 200,
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': String(document.body.byteLength),
    },
    body: document.body,
  };
}

/** @throws KumulusError NotAcceptable */
function acceptJson(accept: string | undefined): void {
  const types = (accept ?? '*/*')
    .split(',')
    .map((clause) => (clause.split(';')[0] ?? '').trim().toLowerCase());
  if (!types.some((type) => ['application/json', 'application/*', '*/*', ''].includes(type))) {
    throw notAcceptable(['application/json']);
  }
}
