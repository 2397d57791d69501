/** The built-in resource types that are served, in the order discovery lists their groups. */
import { schemaFor } from '../../../lib/api/schemas.ts';
import type { ResourceDefinition, SubresourceDefinition, Verb } from './definition.ts';

const allVerbs: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];
const editVerbs: readonly Verb[] = ['get', 'patch', 'update'];

interface Facts {
  group?: string;
  plural: string;
  kind: string;
  namespaced?: boolean;
  shortNames?: readonly string[];
  categories?: readonly string[];
  verbs?: readonly Verb[];
  subresources?: readonly SubresourceDefinition[];
}

export function builtinDefinitions(): ResourceDefinition[] {
  return [
    define({ plural: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] }),
    define({ plural: 'endpoints', kind: 'Endpoints', shortNames: ['ep'] }),
    define({ plural: 'events', kind: 'Event', shortNames: ['ev'] }),
    define({
      plural: 'namespaces',
      kind: 'Namespace',
      namespaced: false,
      shortNames: ['ns'],
      verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
      subresources: [sub('finalize', 'Namespace', ['update']), sub('status', 'Namespace', editVerbs)],
    }),
    define({
      plural: 'nodes',
      kind: 'Node',
      namespaced: false,
      shortNames: ['no'],
      subresources: [sub('status', 'Node', editVerbs)],
    }),
    define({
      plural: 'pods',
      kind: 'Pod',
      shortNames: ['po'],
      categories: ['all'],
      subresources: [
        sub('attach', 'PodAttachOptions', ['create', 'get']),
        sub('binding', 'Binding', ['create']),
        sub('eviction', 'Eviction', ['create'], 'policy'),
        sub('exec', 'PodExecOptions', ['create', 'get']),
        sub('log', 'Pod', ['get']),
        sub('portforward', 'PodPortForwardOptions', ['create', 'get']),
        sub('status', 'Pod', editVerbs),
      ],
    }),
    define({ plural: 'secrets', kind: 'Secret' }),
    define({
      plural: 'serviceaccounts',
      kind: 'ServiceAccount',
      shortNames: ['sa'],
      subresources: [sub('token', 'TokenRequest', ['create'], 'authentication.k8s.io')],
    }),
    define({
      plural: 'services',
      kind: 'Service',
      shortNames: ['svc'],
      categories: ['all'],
      subresources: [sub('status', 'Service', editVerbs)],
    }),
    define({ group: 'events.k8s.io', plural: 'events', kind: 'Event', shortNames: ['ev'] }),
    define({
      group: 'apps',
      plural: 'deployments',
      kind: 'Deployment',
      shortNames: ['deploy'],
      categories: ['all'],
      subresources: [scale(), sub('status', 'Deployment', editVerbs, 'apps')],
    }),
    define({
      group: 'apps',
      plural: 'replicasets',
      kind: 'ReplicaSet',
      shortNames: ['rs'],
      categories: ['all'],
      subresources: [scale(), sub('status', 'ReplicaSet', editVerbs, 'apps')],
    }),
    define({
      group: 'networking.k8s.io',
      plural: 'ipaddresses',
      kind: 'IPAddress',
      namespaced: false,
      shortNames: ['ip'],
    }),
    define({
      group: 'networking.k8s.io',
      plural: 'servicecidrs',
      kind: 'ServiceCIDR',
      namespaced: false,
      subresources: [sub('status', 'ServiceCIDR', editVerbs, 'networking.k8s.io')],
    }),
    define({ group: 'coordination.k8s.io', plural: 'leases', kind: 'Lease' }),
    define({ group: 'discovery.k8s.io', plural: 'endpointslices', kind: 'EndpointSlice' }),
  ];
}

function define(facts: Facts): ResourceDefinition {
  const group = facts.group ?? '';
  const schema = schemaFor(group, 'v1', facts.kind);
  if (!schema) throw new Error(`no schema for ${facts.kind} of group "${group}"`);
  return {
    group,
    version: 'v1',
    plural: facts.plural,
    singular: facts.kind.toLowerCase(),
    kind: facts.kind,
    listKind: `${facts.kind}List`,
    namespaced: facts.namespaced ?? true,
    shortNames: facts.shortNames ?? [],
    categories: facts.categories ?? [],
    verbs: facts.verbs ?? allVerbs,
    schema,
    subresources: facts.subresources ?? [],
  };
}

function sub(name: string, kind: string, verbs: readonly Verb[], group = ''): SubresourceDefinition {
  return { name, group, version: 'v1', kind, verbs };
}

function scale(): SubresourceDefinition {
  return sub('scale', 'Scale', editVerbs, 'autoscaling');
}
