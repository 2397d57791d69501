/** What can be done with a resource, as OpenAPI lists it: one entry a method and path, free of the document's version. */
import type { ResourceDefinition, SubresourceDefinition, Verb } from '../registry/definition.ts';

export interface PathEntry {
  /** `/api/v1/namespaces/{namespace}/pods/{name}/status` */
  path: string;
  pathParameters: ('namespace' | 'name' | 'path')[];
  kind: string;
  operations: Operation[];
}

export interface Operation {
  method: 'get' | 'put' | 'post' | 'delete' | 'patch' | 'options' | 'head';
  /** `x-kubernetes-action` */
  action: 'get' | 'list' | 'put' | 'patch' | 'post' | 'delete' | 'deletecollection' | 'connect';
  operationId: string;
  description: string;
  tag: string;
  gvk: { group: string; version: string; kind: string };
  query: readonly string[];
  body?: 'object' | 'deleteOptions' | 'patch';
  /** The kind answered with; `text` for logs and connections. */
  answer: 'object' | 'list' | 'status' | 'text';
  successCodes: readonly number[];
}

const listQuery = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
];
const deleteQuery = ['dryRun', 'gracePeriodSeconds', 'orphanDependents', 'propagationPolicy'];
const writeQuery = ['dryRun', 'fieldManager', 'fieldValidation'];
const logQuery = [
  'container',
  'follow',
  'limitBytes',
  'previous',
  'sinceSeconds',
  'stream',
  'tailLines',
  'timestamps',
];

/** Subresources that carry a connection or raw bytes, so that no object goes with them. */
const connections = new Set(['exec', 'attach', 'portforward', 'proxy']);

export function pathsOf(resource: ResourceDefinition): PathEntry[] {
  const { group, version, plural, kind, namespaced } = resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const inNamespace: PathEntry['pathParameters'] = namespaced ? ['namespace'] : [];
  const make = operationMaker(resource);
  const item = [...inNamespace, 'name'] as PathEntry['pathParameters'];
  const entries: PathEntry[] = [
    {
      path: collection,
      pathParameters: inNamespace,
      kind,
      operations: make.all(['list', 'create', 'deletecollection']),
    },
    {
      path: `${collection}/{name}`,
      pathParameters: item,
      kind,
      operations: make.all(['get', 'update', 'patch', 'delete']),
    },
  ];
  if (namespaced && resource.verbs.includes('list')) {
    entries.push({
      path: `${root}/${plural}`,
      pathParameters: [],
      kind,
      operations: [make.listEverywhere()],
    });
  }
  for (const sub of resource.subresources) {
    const path = `${collection}/{name}/${sub.name}`;
    entries.push({ path, pathParameters: item, kind: sub.kind, operations: make.subresource(sub) });
    if (sub.name === 'proxy') {
      const operations = make.subresource(sub, 'WithPath');
      entries.push({ path: `${path}/{path}`, pathParameters: [...item, 'path'], kind: sub.kind, operations });
    }
  }
  return entries.filter(({ operations }) => operations.length > 0);
}

/** `rbac.authorization.k8s.io` and `v1` are `RbacAuthorizationV1` in operation ids and `rbacAuthorization_v1` in tags. */
function groupNames(group: string, version: string): { id: string; tag: string } {
  const words = (group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')).split(/[.-]/).map(capital);
  const name = words.join('');
  return {
    id: `${name}${capital(version)}`,
    tag: `${name.charAt(0).toLowerCase()}${name.slice(1)}_${version}`,
  };
}

function operationMaker(resource: ResourceDefinition) {
  const { group, version, kind, namespaced } = resource;
  const names = groupNames(group, version);
  const subject = `${namespaced ? 'Namespaced' : ''}${kind}`;
  const gvk = { group, version, kind };
  const plain = (verb: Verb): Operation => {
    const base = { tag: names.tag, gvk };
    switch (verb) {
      case 'list':
        return {
          ...base,
          method: 'get',
          action: 'list',
          operationId: `list${names.id}${subject}`,
          description: `list or watch objects of kind ${kind}`,
          query: [...listQuery, 'watch'],
          answer: 'list',
          successCodes: [200],
        };
      case 'deletecollection':
        return {
          ...base,
          method: 'delete',
          action: 'deletecollection',
          operationId: `delete${names.id}Collection${subject}`,
          description: `delete collection of ${kind}`,
          query: [...listQuery, ...deleteQuery],
          body: 'deleteOptions',
          answer: 'status',
          successCodes: [200],
        };
      case 'delete':
        return {
          ...base,
          method: 'delete',
          action: 'delete',
          operationId: `delete${names.id}${subject}`,
          description: `delete ${article(kind)} ${kind}`,
          query: deleteQuery,
          body: 'deleteOptions',
          answer: 'status',
          successCodes: [200, 202],
        };
      default:
        return { ...base, ...itemOperation(verb, names.id, subject, kind, '') };
    }
  };
  return {
    all: (verbs: Verb[]): Operation[] => verbs.filter((verb) => resource.verbs.includes(verb)).map(plain),
    listEverywhere: (): Operation => ({
      ...plain('list'),
      operationId: `list${names.id}${kind}ForAllNamespaces`,
    }),
    subresource: (sub: SubresourceDefinition, suffix = ''): Operation[] => {
      const base = { tag: names.tag, gvk: { group: sub.group, version: sub.version, kind: sub.kind } };
      if (connections.has(sub.name)) return connectOperations(sub, names.id, subject, kind, suffix, base);
      return sub.verbs.map((verb) => {
        const operation = { ...base, ...itemOperation(verb, names.id, subject, kind, sub.name) };
        return sub.name === 'log' ? { ...operation, query: logQuery, answer: 'text' } : operation;
      });
    },
  };
}

/** get, create, update and patch, of an object or of one of its subresources. */
function itemOperation(verb: Verb, group: string, subject: string, kind: string, sub: string) {
  const part = sub === '' ? '' : `${sub} of `;
  const name = `${group}${subject}${capital(sub)}`;
  switch (verb) {
    case 'get':
      return {
        method: 'get',
        action: 'get',
        operationId: `read${name}`,
        description: `read ${part}the specified ${kind}`,
        query: [],
        answer: 'object',
        successCodes: [200],
      } as const;
    case 'update':
      return {
        method: 'put',
        action: 'put',
        operationId: `replace${name}`,
        description: `replace ${part}the specified ${kind}`,
        query: writeQuery,
        body: 'object',
        answer: 'object',
        successCodes: [200, 201],
      } as const;
    case 'patch':
      return {
        method: 'patch',
        action: 'patch',
        operationId: `patch${name}`,
        description: `partially update ${part}the specified ${kind}`,
        query: [...writeQuery, 'force'],
        body: 'patch',
        answer: 'object',
        successCodes: [200, 201],
      } as const;
    default:
      return {
        method: 'post',
        action: 'post',
        operationId: `create${name}`,
        description:
          sub === '' ? `create ${article(kind)} ${kind}` : `create ${sub} of ${article(kind)} ${kind}`,
        query: writeQuery,
        body: 'object',
        answer: 'object',
        successCodes: [200, 201, 202],
      } as const;
  }
}

const methodsOf: Readonly<Partial<Record<Verb, readonly Operation['method'][]>>> = {
  get: ['get', 'options', 'head'],
  create: ['post'],
  update: ['put'],
  patch: ['patch'],
  delete: ['delete'],
};

function connectOperations(
  sub: SubresourceDefinition,
  group: string,
  subject: string,
  kind: string,
  suffix: string,
  base: Pick<Operation, 'tag' | 'gvk'>,
): Operation[] {
  const methods = sub.verbs.flatMap((verb) => methodsOf[verb] ?? []);
  const served =
    sub.name === 'proxy' ? methods : methods.filter((method) => method === 'get' || method === 'post');
  return served.map((method) => ({
    ...base,
    method,
    action: 'connect',
    operationId: `connect${group}${capital(method)}${subject}${capital(sub.name)}${suffix}`,
    description: `connect ${method.toUpperCase()} requests to ${sub.name} of ${kind}`,
    query: [],
    answer: 'text',
    successCodes: [200],
  }));
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function article(kind: string): string {
  return /^[AEIOU]/.test(kind) ? 'an' : 'a';
}
