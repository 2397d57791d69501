import type { KubeObject } from '../api/object.ts';
import type { DeleteOptions, ListOptions, ObjectRef, Patch, Resource, WriteOptions } from './port.ts';

/** The address of a collection or of one object, percent-encoded: `/api/v1/namespaces/default/pods/web/status`. */
export function pathOf(
  resource: Resource<KubeObject>,
  at: { namespace?: string | undefined; name?: string; subresource?: string | undefined },
): string {
  let path = resource.group
    ? `/apis/${resource.group}/${resource.version}`
    : `/api/${encodeURIComponent(resource.version)}`;
  if (resource.namespaced && at.namespace) path += `/namespaces/${encodeURIComponent(at.namespace)}`;
  path += `/${resource.plural}`;
  if (at.name !== undefined) path += `/${encodeURIComponent(at.name)}`;
  if (at.subresource) path += `/${at.subresource}`;
  return path;
}

/** A namespaced object can only be reached through its namespace. */
export function objectPath(resource: Resource<KubeObject>, ref: ObjectRef, subresource?: string): string {
  if (!ref.name) throw new TypeError(`resource name may not be empty (${resource.plural})`);
  if (resource.namespaced && !ref.namespace) {
    throw new TypeError(`an empty namespace may not be set when a ${resource.kind} is read or written`);
  }
  return pathOf(resource, { namespace: ref.namespace, name: ref.name, subresource });
}

export function listQuery(options: ListOptions): URLSearchParams {
  return query({
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    limit: options.limit,
    continue: options.continue,
    resourceVersion: options.resourceVersion,
    resourceVersionMatch: options.resourceVersionMatch,
  });
}

export function writeQuery(options: WriteOptions): URLSearchParams {
  return query({
    fieldManager: options.fieldManager,
    dryRun: options.dryRun ? 'All' : undefined,
    force: options.force ? 'true' : undefined,
  });
}

/** Leaves out what is not set: an empty selector and none are the same to the server. */
export function query(values: Record<string, string | number | undefined>): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') params.set(name, String(value));
  }
  return params;
}

export function deleteBody(options: DeleteOptions): object {
  return { kind: 'DeleteOptions', apiVersion: 'v1', ...options };
}

/** JSON is YAML: an apply patch is sent as what every client sends under that media type. */
export function patchBody(patch: Patch): { contentType: string; body: unknown } {
  switch (patch.type) {
    case 'json':
      return { contentType: 'application/json-patch+json', body: patch.operations };
    case 'merge':
      return { contentType: 'application/merge-patch+json', body: patch.patch };
    case 'strategic':
      return { contentType: 'application/strategic-merge-patch+json', body: patch.patch };
    case 'apply':
      return { contentType: 'application/apply-patch+yaml', body: patch.patch };
  }
}
