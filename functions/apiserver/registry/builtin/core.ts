import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, scale, sub } from './define.ts';

const proxyVerbs = ['create', 'delete', 'get', 'patch', 'update'] as const;

export function coreDefinitions(): ResourceDefinition[] {
  return [
    define({ plural: 'bindings', kind: 'Binding', verbs: ['create'] }),
    define({
      plural: 'componentstatuses',
      kind: 'ComponentStatus',
      namespaced: false,
      shortNames: ['cs'],
      verbs: ['get', 'list'],
      deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
    }),
    define({ plural: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] }),
    define({
      plural: 'endpoints',
      kind: 'Endpoints',
      shortNames: ['ep'],
      deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
    }),
    define({ plural: 'events', kind: 'Event', shortNames: ['ev'] }),
    define({ plural: 'limitranges', kind: 'LimitRange', shortNames: ['limits'] }),
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
      subresources: [sub('proxy', 'NodeProxyOptions', proxyVerbs), sub('status', 'Node', editVerbs)],
    }),
    define({
      plural: 'persistentvolumeclaims',
      kind: 'PersistentVolumeClaim',
      shortNames: ['pvc'],
      subresources: [sub('status', 'PersistentVolumeClaim', editVerbs)],
    }),
    define({
      plural: 'persistentvolumes',
      kind: 'PersistentVolume',
      namespaced: false,
      shortNames: ['pv'],
      subresources: [sub('status', 'PersistentVolume', editVerbs)],
    }),
    define({
      plural: 'pods',
      kind: 'Pod',
      shortNames: ['po'],
      categories: ['all'],
      subresources: [
        sub('attach', 'PodAttachOptions', ['create', 'get']),
        sub('binding', 'Binding', ['create']),
        sub('ephemeralcontainers', 'Pod', editVerbs),
        sub('eviction', 'Eviction', ['create'], 'policy'),
        sub('exec', 'PodExecOptions', ['create', 'get']),
        sub('log', 'Pod', ['get']),
        sub('portforward', 'PodPortForwardOptions', ['create', 'get']),
        sub('proxy', 'PodProxyOptions', proxyVerbs),
        sub('resize', 'Pod', editVerbs),
        sub('status', 'Pod', editVerbs),
      ],
    }),
    define({
      plural: 'resourcequotas',
      kind: 'ResourceQuota',
      shortNames: ['quota'],
      subresources: [sub('status', 'ResourceQuota', editVerbs)],
    }),
    define({ plural: 'podtemplates', kind: 'PodTemplate' }),
    define({
      plural: 'replicationcontrollers',
      kind: 'ReplicationController',
      shortNames: ['rc'],
      categories: ['all'],
      subresources: [scale(), sub('status', 'ReplicationController', editVerbs)],
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
      subresources: [sub('proxy', 'ServiceProxyOptions', proxyVerbs), sub('status', 'Service', editVerbs)],
    }),
  ];
}
