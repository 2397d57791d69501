/** The roles that people are given: `cluster-admin`, and for a namespace `admin`, `edit` and `view` ("Using RBAC Authorization", user-facing roles). */
import type { PolicyRule } from '../../../../lib/api/gen/types.ts';
import { at, on, readVerbs, readWriteVerbs, writeVerbs } from './rule.ts';

export const clusterAdmin: PolicyRule[] = [on('*', '*', '*'), at('*', '*')];

/** What `admin` has beyond `edit`. */
export const aggregatedToAdmin: PolicyRule[] = [
  on('authorization.k8s.io', 'localsubjectaccessreviews', 'create'),
  on('rbac.authorization.k8s.io', 'roles rolebindings', readWriteVerbs),
];

/** What `edit` has beyond `view`. Reading what could be used to become someone else is here too. */
export const aggregatedToEdit: PolicyRule[] = [
  on('core', 'pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy', readVerbs),
  on('core', 'serviceaccounts', 'impersonate'),
  on('core', 'pods pods/attach pods/proxy pods/exec pods/portforward', writeVerbs),
  on('core', 'pods/eviction', 'create'),
  on(
    'core',
    `replicationcontrollers replicationcontrollers/scale serviceaccounts services services/proxy
    persistentvolumeclaims configmaps secrets events`,
    writeVerbs,
  ),
  on('core', 'serviceaccounts/token', 'create'),
  on(
    'apps',
    `statefulsets statefulsets/scale daemonsets deployments deployments/scale deployments/rollback
    replicasets replicasets/scale`,
    writeVerbs,
  ),
  on('autoscaling', 'horizontalpodautoscalers', writeVerbs),
  on('batch', 'jobs cronjobs', writeVerbs),
  on(
    'extensions',
    `daemonsets deployments deployments/scale deployments/rollback ingresses replicasets replicasets/scale
    replicationcontrollers/scale networkpolicies`,
    writeVerbs,
  ),
  on('policy', 'poddisruptionbudgets', writeVerbs),
  on('networking.k8s.io', 'networkpolicies ingresses', writeVerbs),
  on('coordination.k8s.io', 'leases', readWriteVerbs),
  on('resource.k8s.io', 'resourceclaims resourceclaimtemplates', writeVerbs),
];

export const aggregatedToView: PolicyRule[] = [
  on(
    'core',
    `pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status
    endpoints persistentvolumeclaims persistentvolumeclaims/status configmaps`,
    readVerbs,
  ),
  on(
    'core',
    `limitranges resourcequotas bindings events pods/status resourcequotas/status namespaces/status
    replicationcontrollers/status pods/log`,
    readVerbs,
  ),
  // In a namespace this is leave to read that one, which tells a user where he has access.
  on('core', 'namespaces', readVerbs),
  on('discovery.k8s.io', 'endpointslices', readVerbs),
  on(
    'apps',
    `controllerrevisions statefulsets statefulsets/status statefulsets/scale daemonsets daemonsets/status
    deployments deployments/status deployments/scale replicasets replicasets/status replicasets/scale`,
    readVerbs,
  ),
  on('autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status', readVerbs),
  on('batch', 'jobs cronjobs cronjobs/status jobs/status', readVerbs),
  on(
    'extensions',
    `daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status
    replicasets replicasets/scale replicasets/status replicationcontrollers/scale networkpolicies`,
    readVerbs,
  ),
  on('policy', 'poddisruptionbudgets poddisruptionbudgets/status', readVerbs),
  on('networking.k8s.io', 'networkpolicies ingresses ingresses/status', readVerbs),
  on('resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates', readVerbs),
];
