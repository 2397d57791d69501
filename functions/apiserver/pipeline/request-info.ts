/**
 * What a request asks for, read from its method, path and query alone, by the rules of upstream's
 * `RequestInfoFactory` (API concepts, "Resource URIs"): authorization and routing both go by it, so that they can
 * never disagree.
 */
import { exactField, parseFieldSelector } from '../../../lib/api/selectors/index.ts';
import { badRequest } from '../../../lib/api/status.ts';
import { isKind } from '../../../lib/errors.ts';
import { withoutOuterSlashes } from '../../../lib/http/slashes.ts';

export interface RequestInfo {
  /** Whether the path is one of a resource, `/api/v1/…` or `/apis/<group>/<version>/…`. */
  isResourceRequest: boolean;
  /** Percent-decoded. */
  path: string;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; else the HTTP method in lower case. */
  verb: string;
  apiGroup: string;
  apiVersion: string;
  /** Empty for a cluster-scoped request. */
  namespace: string;
  resource: string;
  subresource: string;
  name: string;
  /** What follows the subresource: `a/b` of `/api/v1/namespaces/n/services/s/proxy/a/b`. */
  rest: string[];
}

const namespaceSubresources = new Set(['status', 'finalize']);
/** Prefixes of the path that are a verb: deprecated, and still served. */
const specialVerbs = new Set(['proxy', 'watch']);
const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** @throws KumulusError BadRequest for a path that could mean two things. */
export function parseRequestInfo(method: string, rawPath: string, query: URLSearchParams): RequestInfo {
  const segments = decodeSegments(rawPath);
  const path = `/${segments.join('/')}${rawPath.length > 1 && rawPath.endsWith('/') ? '/' : ''}`;
  const info: RequestInfo = {
    isResourceRequest: false,
    path,
    verb: method.toLowerCase(),
    apiGroup: '',
    apiVersion: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    rest: [],
  };
  let parts = segments;
  if (parts.length < 3 || (parts[0] !== 'api' && parts[0] !== 'apis')) return info;
  const grouped = parts[0] === 'apis';
  parts = parts.slice(1);
  if (grouped) {
    if (parts.length < 3) return info;
    info.apiGroup = parts[0] ?? '';
    parts = parts.slice(1);
  }
  info.isResourceRequest = true;
  info.apiVersion = parts[0] ?? '';
  parts = parts.slice(1);

  const special = specialVerbs.has(parts[0] ?? '') ? parts[0] : undefined;
  if (special !== undefined) {
    if (parts.length < 2) throw badRequest(`unable to determine kind and namespace from url, ${path}`);
    info.verb = special;
    parts = parts.slice(1);
  } else {
    info.verb = verbs[method] ?? '';
  }
  if (parts[0] === 'namespaces' && parts.length > 1) {
    info.namespace = parts[1] ?? '';
    if (parts.length > 2 && !namespaceSubresources.has(parts[2] ?? '')) parts = parts.slice(2);
  }
  info.resource = parts[0] ?? '';
  info.name = parts[1] ?? '';
  if (special === undefined) {
    info.subresource = parts[2] ?? '';
    info.rest = parts.slice(3);
  }
  if (info.name === '' && info.verb === 'get') {
    info.verb = isTrue(query.get('watch')) ? 'watch' : 'list';
    info.name = nameInSelector(query);
  } else if (info.name === '' && special === 'watch') {
    info.name = nameInSelector(query);
  }
  if (info.name === '' && info.verb === 'delete') info.verb = 'deletecollection';
  return info;
}

/**
 * What stands for a path that could mean two things: a resource that no role names, so that who may not do everything is
 * refused as for any other path, on record, and nobody without credentials learns more than that.
 */
export function unreadableRequestInfo(method: string, rawPath: string): RequestInfo {
  return {
    isResourceRequest: true,
    path: rawPath,
    verb: verbs[method] ?? '',
    apiGroup: '',
    apiVersion: '',
    namespace: '',
    resource: rawPath,
    subresource: '',
    name: '',
    rest: [],
  };
}

/** Whether the request lasts as long as its client wants, so that limits on requests in flight leave it alone. */
export function isLongRunning(info: RequestInfo): boolean {
  if (info.verb === 'watch' || info.verb === 'proxy') return true;
  return (
    info.isResourceRequest && ['attach', 'exec', 'proxy', 'log', 'portforward'].includes(info.subresource)
  );
}

/** As Go's form decoder reads a boolean of `metav1.ListOptions`: present and not `0` or `false`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

/** A list of one name is authorized as a request for that name. */
function nameInSelector(query: URLSearchParams): string {
  try {
    const name =
      exactField(parseFieldSelector(query.get('fieldSelector') ?? undefined), 'metadata.name') ?? '';
    return /^\.{1,2}$|[/%]/.test(name) ? '' : name;
  } catch (error) {
    // A selector that cannot be read names nothing; the list itself answers with what is wrong with it.
    if (isKind(error, 'BadRequest')) return '';
    throw error;
  }
}

function decodeSegments(rawPath: string): string[] {
  const segments = withoutOuterSlashes(rawPath).split('/');
  if (segments.length === 1 && segments[0] === '') return [];
  const isEscaped = rawPath.includes('%');
  return segments.map((segment) => {
    const decoded = isEscaped ? unescaped(segment) : segment;
    if (decoded === '.' || decoded === '..' || decoded.includes('/') || decoded.includes('\0')) {
      throw badRequest(`invalid path segment ${JSON.stringify(decoded)}`);
    }
    return decoded;
  });
}

function unescaped(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid URL escape in path segment ${JSON.stringify(segment)}`);
  }
}
