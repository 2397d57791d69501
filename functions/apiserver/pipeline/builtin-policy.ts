/**
 * The policy that holds before any Role is read: who the parts of the cluster are and what each needs, an excerpt of
 * upstream's bootstrap policy by hand. What no rule names is denied.
 */
import type { UserInfo } from '../../../lib/http/types.ts';
import type { AuthorizationAttributes, Authorizer } from '../authorization/port.ts';

/** As in an RBAC PolicyRule: `*` is everything; resources may name a subresource (`pods/status`). */
interface Rule {
  groups: readonly string[];
  resources: readonly string[];
  verbs: readonly string[];
}

interface Grant {
  to: (user: UserInfo) => boolean;
  rules: readonly Rule[];
  /** Paths outside of resources, with a trailing `*` for everything below; verb get. */
  paths: readonly string[];
}

const inGroup = (group: string) => (user: UserInfo) => user.groups.includes(group);
const isUser = (name: string) => (user: UserInfo) => user.username === name;
const rule = (groups: string[], resources: string[], verbs: string[]): Rule => ({ groups, resources, verbs });

const read = ['get', 'list', 'watch'];
const write = ['create', 'update', 'patch', 'delete'];
const events = rule(['', 'events.k8s.io'], ['events'], ['create', 'update', 'patch']);

const health = [
  '/healthz',
  '/healthz/*',
  '/livez',
  '/livez/*',
  '/readyz',
  '/readyz/*',
  '/version',
  '/version/',
];
const discovery = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*'];

const grants: readonly Grant[] = [
  { to: inGroup('system:unauthenticated'), rules: [], paths: health },
  {
    to: inGroup('system:authenticated'),
    rules: [
      rule(['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
      rule(['authentication.k8s.io'], ['selfsubjectreviews'], ['create']),
    ],
    paths: [...health, ...discovery],
  },
  {
    to: inGroup('system:serviceaccounts'),
    rules: [],
    paths: ['/.well-known/openid-configuration', '/openid/v1/jwks'],
  },
  {
    to: inGroup('system:nodes'),
    rules: [
      rule([''], ['services', 'endpoints', 'configmaps', 'secrets', 'namespaces', 'serviceaccounts'], read),
      rule([''], ['persistentvolumeclaims', 'persistentvolumes'], read),
      rule(['discovery.k8s.io'], ['endpointslices'], read),
      rule([''], ['nodes'], [...read, 'create', 'update', 'patch', 'delete']),
      rule([''], ['nodes/status'], ['get', 'update', 'patch']),
      rule([''], ['pods'], [...read, 'create', 'delete']),
      rule([''], ['pods/status'], ['get', 'update', 'patch']),
      rule([''], ['pods/eviction'], ['create']),
      rule([''], ['serviceaccounts/token'], ['create']),
      rule(['coordination.k8s.io'], ['leases'], ['get', 'create', 'update', 'patch', 'delete']),
      rule(['authentication.k8s.io'], ['tokenreviews'], ['create']),
      rule(['authorization.k8s.io'], ['subjectaccessreviews', 'localsubjectaccessreviews'], ['create']),
      rule(['node.k8s.io'], ['runtimeclasses'], read),
      rule(['storage.k8s.io'], ['csidrivers', 'csinodes', 'volumeattachments'], read),
      events,
    ],
    paths: [],
  },
  {
    to: isUser('system:kube-scheduler'),
    rules: [
      rule([''], ['pods', 'nodes', 'namespaces', 'services', 'replicationcontrollers'], read),
      rule([''], ['persistentvolumeclaims', 'persistentvolumes'], [...read, 'update', 'patch']),
      rule([''], ['pods'], ['delete']),
      rule([''], ['pods/binding', 'bindings'], ['create']),
      rule([''], ['pods/status'], ['update', 'patch']),
      rule(['apps'], ['replicasets', 'statefulsets'], read),
      rule(['policy'], ['poddisruptionbudgets'], read),
      rule(['storage.k8s.io'], ['*'], read),
      rule(['resource.k8s.io'], ['*'], read),
      rule(['scheduling.k8s.io'], ['priorityclasses'], read),
      rule(['coordination.k8s.io'], ['leases'], ['get', 'list', 'watch', 'create', 'update', 'patch']),
      events,
    ],
    paths: [],
  },
  {
    // Finds, counts and deletes objects of every kind for namespaces and owners; writes what its controllers own.
    to: isUser('system:kube-controller-manager'),
    rules: [
      rule(['*'], ['*'], [...read, 'update', 'patch', 'delete', 'deletecollection']),
      rule(
        [''],
        [
          'pods',
          'endpoints',
          'serviceaccounts',
          'configmaps',
          'secrets',
          'services',
          'persistentvolumes',
          'nodes',
        ],
        write,
      ),
      rule([''], ['serviceaccounts/token', 'pods/eviction'], ['create']),
      rule(['apps', 'batch', 'discovery.k8s.io', 'coordination.k8s.io', 'networking.k8s.io'], ['*'], write),
      events,
    ],
    paths: [],
  },
];

export function createBuiltinAuthorizer(): Authorizer {
  return {
    authorize(attributes) {
      const allowed =
        attributes.user.groups.includes('system:masters') ||
        grants.some((grant) => grant.to(attributes.user) && grantAllows(grant, attributes));
      return Promise.resolve({ decision: allowed ? 'allow' : 'noOpinion' });
    },
    rulesFor(user) {
      const held = grants.filter((grant) => grant.to(user));
      const everything = user.groups.includes('system:masters');
      return Promise.resolve({
        resourceRules: [
          ...(everything ? [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] : []),
          ...held.flatMap(({ rules }) =>
            rules.map(({ groups, resources, verbs }) => ({
              apiGroups: [...groups],
              resources: [...resources],
              verbs: [...verbs],
            })),
          ),
        ],
        nonResourceRules: [
          ...(everything ? [{ nonResourceURLs: ['*'], verbs: ['*'] }] : []),
          ...held.map(({ paths }) => ({ nonResourceURLs: [...paths], verbs: ['get'] })),
        ],
        incomplete: false,
        errors: [],
      });
    },
  };
}

function grantAllows(grant: Grant, attributes: AuthorizationAttributes): boolean {
  if (!attributes.isResourceRequest) {
    return (
      (attributes.verb === 'get' || attributes.verb === 'head') &&
      grant.paths.some((path) =>
        path.endsWith('*') ? attributes.path.startsWith(path.slice(0, -1)) : attributes.path === path,
      )
    );
  }
  const resource = attributes.subresource
    ? `${attributes.resource}/${attributes.subresource}`
    : attributes.resource;
  const names = (list: readonly string[], wanted: string) => list.includes('*') || list.includes(wanted);
  return grant.rules.some(
    (one) =>
      names(one.groups, attributes.apiGroup) &&
      names(one.resources, resource) &&
      names(one.verbs, attributes.verb),
  );
}
