/** From what a request asks for to the handler that does it. */
import { methodNotAllowed, pathNotFound } from '../../../lib/api/status.ts';
import type { ApiResponse } from '../../../lib/http/types.ts';
import type { RequestContext } from '../pipeline/context.ts';
import type { RequestInfo } from '../pipeline/request-info.ts';
import type { Backend } from './backend.ts';
import type { Verb } from './definition.ts';
import { handleComponentStatuses } from './handlers/component-status.ts';
import { handleCreate, handleUpdate } from './handlers/create.ts';
import { handleDelete } from './handlers/delete.ts';
import { handleDeleteCollection } from './handlers/delete-collection.ts';
import { handleGet } from './handlers/get.ts';
import { listObjects } from './handlers/list.ts';
import { handlePatch } from './handlers/patch.ts';
import { watchObjects } from './handlers/watch.ts';
import type { RegistryEntry } from './registry.ts';
import { reviewHandler } from './reviews/index.ts';
import { handleBindings } from './subresources/binding.ts';
import { type SubresourceHandler, subresourceHandlers } from './subresources/index.ts';

type Handler = (backend: Backend, context: RequestContext, entry: RegistryEntry) => Promise<ApiResponse>;

const handlers: Readonly<Record<Verb, Handler>> = {
  get: handleGet,
  list: listObjects,
  watch: watchObjects,
  create: handleCreate,
  update: handleUpdate,
  patch: handlePatch,
  delete: handleDelete,
  deletecollection: handleDeleteCollection,
};

export async function routeResource(backend: Backend, context: RequestContext): Promise<ApiResponse> {
  const { info } = context;
  const entry = backend.registry.find(info.apiGroup, info.apiVersion, info.resource);
  if (!entry) throw pathNotFound();
  const { definition } = entry;
  if (!definition.namespaced && info.namespace && !isNamespaceItself(info)) throw pathNotFound();
  if (info.subresource) return routeSubresource(backend, context, entry);
  if (
    definition.namespaced &&
    info.name &&
    !info.namespace &&
    info.verb !== 'list' &&
    info.verb !== 'watch'
  ) {
    throw pathNotFound();
  }
  const verb = info.verb as Verb;
  if (!Object.hasOwn(handlers, verb) || !definition.verbs.includes(verb)) throw methodNotAllowed();
  // POST goes to a collection, PUT and PATCH to an object.
  if (verb === 'create' && info.name) throw methodNotAllowed();
  if ((verb === 'update' || verb === 'patch') && !info.name) throw methodNotAllowed();
  if (definition.deprecation) context.warnings.push(definition.deprecation);
  if (entry.storage === 'componentstatuses') return handleComponentStatuses(backend, context, entry);
  if (entry.storage === 'bindings') return handleBindings(backend, context, entry);
  return (reviewHandler(entry) ?? handlers[verb])(backend, context, entry);
}

/**
 * A namespace's own path names it as namespace and as object. Any other path that leads through a namespace to what is in
 * none was authorized by what holds in that namespace, which says nothing about the whole cluster.
 */
function isNamespaceItself({ apiGroup, resource, namespace, name, path }: RequestInfo): boolean {
  if (apiGroup !== '' || resource !== 'namespaces' || name !== namespace) return false;
  return !path.includes(`/namespaces/${namespace}/namespaces`);
}

function routeSubresource(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const { info } = context;
  const definition = entry.definition.subresources.find(({ name }) => name === info.subresource);
  if (!definition || (entry.definition.namespaced && !info.namespace)) throw pathNotFound();
  const isProxy = info.subresource === 'proxy';
  if (info.rest.length > 0 && !isProxy) throw pathNotFound();
  const isOptions = isProxy && context.request.method === 'OPTIONS';
  if (!isOptions && !(definition.verbs as readonly string[]).includes(info.verb)) throw methodNotAllowed();
  const handler: SubresourceHandler | undefined =
    subresourceHandlers[`${entry.definition.plural}/${info.subresource}`] ??
    subresourceHandlers[info.subresource];
  if (!handler) throw pathNotFound();
  return handler(backend, context, entry);
}
