import type { ObjectMeta } from '../../../lib/api/gen/types.ts';
import type { ApiHandler, UserInfo } from '../../../lib/http/types.ts';

export interface Answer<T> {
  status: number;
  headers: Record<string, string | string[]>;
  text: string;
  /** The body, where it is JSON. */
  json: T;
}

/** A request as it is on the wire; `contentType` is for other bodies than JSON objects. */
export type Call = <T = Status>(
  method: string,
  path: string,
  options?: {
    query?: Record<string, string>;
    body?: unknown;
    contentType?: string;
    headers?: Record<string, string>;
  },
) => Promise<Answer<T>>;

/** As much of meta/v1 Status as tests look at. */
export interface Status {
  kind: string;
  reason?: string;
  message: string;
  code: number;
  metadata?: { continue?: string };
}

export const mergePatch = 'application/merge-patch+json';
export const strategicPatch = 'application/strategic-merge-patch+json';
export const jsonPatch = 'application/json-patch+json';
export const applyPatch = 'application/apply-patch+yaml';

export function requester(handle: ApiHandler, user: UserInfo, signal: AbortSignal): Call {
  return async <T>(...[method, path, options = {}]: Parameters<Call>): Promise<Answer<T>> => {
    const { query, body, contentType = 'application/json', headers } = options;
    const response = await handle({
      method,
      path,
      query: new URLSearchParams(query),
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': contentType }),
        ...headers,
      },
      body:
        body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      peer: { via: 'process', user },
      signal,
    });
    const chunks: Uint8Array[] = [];
    if (response.body instanceof Uint8Array) chunks.push(response.body);
    else if (response.body) for await (const chunk of response.body) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const isJson = String(response.headers['content-type']).startsWith('application/json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: (isJson && text ? JSON.parse(text) : {}) as T,
    };
  };
}

/** The object without its resourceVersion: an update with it is not refused because a controller wrote in between. */
export function unconditional<T extends { metadata?: ObjectMeta }>(object: T): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: undefined } };
}
