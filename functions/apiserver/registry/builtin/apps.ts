import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, scale, sub } from './define.ts';

export function appsDefinitions(): ResourceDefinition[] {
  return [
    define({ group: 'apps', plural: 'controllerrevisions', kind: 'ControllerRevision' }),
    define({
      group: 'apps',
      plural: 'daemonsets',
      kind: 'DaemonSet',
      shortNames: ['ds'],
      categories: ['all'],
      subresources: [sub('status', 'DaemonSet', editVerbs, 'apps')],
    }),
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
      group: 'apps',
      plural: 'statefulsets',
      kind: 'StatefulSet',
      shortNames: ['sts'],
      categories: ['all'],
      subresources: [scale(), sub('status', 'StatefulSet', editVerbs, 'apps')],
    }),
  ];
}
