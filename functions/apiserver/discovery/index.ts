/** The discovery endpoints, made from the definitions of what is served. */
import { createHash } from 'node:crypto';
import type { ApiResponse } from '../../../lib/http/types.ts';
import type { ResourceDefinition } from '../registry/definition.ts';
import { type DiscoveryForm, discoveryForm } from './accept.ts';
import { apiGroupDiscoveryList } from './aggregated.ts';
import { type ApiGroup, groupDefinitions } from './groups.ts';
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from './plain.ts';

export interface DiscoveryRequest {
  /** `/api`, `/apis`, `/api/v1`, `/apis/apps`, `/apis/apps/v1`; a slash at the end does not matter. */
  path: string;
  accept: string | undefined;
  ifNoneMatch: string | undefined;
}

export interface Discovery {
  /**
   * The answer, or undefined when the path is none of discovery's or names a group or version that there is not.
   * @throws KumulusError NotAcceptable
   */
  respond(request: DiscoveryRequest): ApiResponse | undefined;
}

/**
 * Discovery of these definitions. Documents are made when they are first asked for and kept; make a new Discovery when
 * the definitions change.
 * @param serverAddress `host:port`, for `/api`.
 */
export function createDiscovery(
  definitions: readonly ResourceDefinition[],
  serverAddress: string,
): Discovery {
  const groups = groupDefinitions(definitions);
  const made = new Map<string, ApiResponse>();
  return {
    respond({ path, accept, ifNoneMatch }) {
      const steps = path.split('/').filter((step) => step !== '');
      if (steps.length > 3 || (steps[0] !== 'api' && steps[0] !== 'apis')) return undefined;
      // Only the two roots have the aggregated form.
      const form = discoveryForm(accept);
      const key = `${steps.length === 1 ? form : 'plain'} ${steps.join('/')}`;
      let response = made.get(key);
      if (!response) {
        const document = documentFor(steps, form, groups, serverAddress);
        if (!document) return undefined;
        response = toResponse(document, steps.length === 1 ? form : 'plain');
        made.set(key, response);
      }
      if (ifNoneMatch !== undefined && ifNoneMatch === response.headers.etag) {
        // With the type too: clients put these headers in the place of those they have kept, and API Gateway gives answers
        // without one the type of plain JSON, by which the aggregated form would not be known again.
        const { 'content-length': _ofTheBody, ...headers } = response.headers;
        return { status: 304, headers, body: undefined };
      }
      return { ...response, headers: { ...response.headers } };
    },
  };
}

function documentFor(
  [root, first, second]: string[],
  form: DiscoveryForm,
  groups: readonly ApiGroup[],
  serverAddress: string,
): object | undefined {
  const core = groups.filter(({ name }) => name === '');
  if (first === undefined) {
    const shown = root === 'api' ? core : groups.filter(({ name }) => name !== '');
    if (form !== 'plain') return apiGroupDiscoveryList(shown, form);
    return root === 'api' ? apiVersions(core[0], serverAddress) : apiGroupList(shown);
  }
  const group = root === 'api' ? core[0] : groups.find(({ name }) => name === first && name !== '');
  const version = root === 'api' ? first : second;
  if (!group || (root === 'api' && second !== undefined)) return undefined;
  if (version === undefined) return apiGroup(group);
  const found = group.versions.find((entry) => entry.version === version);
  return found && apiResourceList(group.name, found);
}

function toResponse(document: object, form: DiscoveryForm): ApiResponse {
  const body = Buffer.from(JSON.stringify(document));
  const length = String(body.byteLength);
  if (form === 'plain') {
    const headers = {
      'content-type': 'application/json',
      'cache-control': 'no-cache, private',
      'content-length': length,
    };
    return { status: 200, headers, body };
  }
  const etag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
  const headers = {
    'content-type': `application/json;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`,
    'cache-control': 'public',
    etag,
    vary: 'Accept',
    'content-length': length,
  };
  return { status: 200, headers, body };
}
