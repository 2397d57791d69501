import type { KubeObject } from '../api/object.ts';
import type * as t from '../api/gen/types.ts';
import type { Resource } from './port.ts';

/** The built-in resource types that the parts of Kumulus use. */
export const namespaces = core<t.Namespace>('namespaces', 'Namespace', false);
export const nodes = core<t.Node>('nodes', 'Node', false);
export const pods = core<t.Pod>('pods', 'Pod');
export const services = core<t.Service>('services', 'Service');
export const endpoints = core<t.Endpoints>('endpoints', 'Endpoints');
export const configMaps = core<t.ConfigMap>('configmaps', 'ConfigMap');
export const secrets = core<t.Secret>('secrets', 'Secret');
export const serviceAccounts = core<t.ServiceAccount>('serviceaccounts', 'ServiceAccount');
export const events = core<t.CoreV1Event>('events', 'Event');
export const deployments = resource<t.Deployment>('apps', 'v1', 'deployments', 'Deployment');
export const statefulSets = resource<t.StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet');
export const daemonSets = resource<t.DaemonSet>('apps', 'v1', 'daemonsets', 'DaemonSet');
export const controllerRevisions = resource<t.ControllerRevision>(
  'apps',
  'v1',
  'controllerrevisions',
  'ControllerRevision',
);
export const replicationControllers = core<t.ReplicationController>(
  'replicationcontrollers',
  'ReplicationController',
);
export const replicaSets = resource<t.ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet');
export const endpointSlices = resource<t.EndpointSlice>(
  'discovery.k8s.io',
  'v1',
  'endpointslices',
  'EndpointSlice',
);
export const jobs = resource<t.Job>('batch', 'v1', 'jobs', 'Job');
export const cronJobs = resource<t.CronJob>('batch', 'v1', 'cronjobs', 'CronJob');
export const horizontalPodAutoscalers = resource<t.V2HorizontalPodAutoscaler>(
  'autoscaling',
  'v2',
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
);
export const podDisruptionBudgets = resource<t.PodDisruptionBudget>(
  'policy',
  'v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
);
export const leases = resource<t.Lease>('coordination.k8s.io', 'v1', 'leases', 'Lease');
export const persistentVolumes = core<t.PersistentVolume>('persistentvolumes', 'PersistentVolume', false);
export const persistentVolumeClaims = core<t.PersistentVolumeClaim>(
  'persistentvolumeclaims',
  'PersistentVolumeClaim',
);
export const resourceQuotas = core<t.ResourceQuota>('resourcequotas', 'ResourceQuota');
export const priorityClasses = resource<t.PriorityClass>(
  'scheduling.k8s.io',
  'v1',
  'priorityclasses',
  'PriorityClass',
  false,
);
export const storageClasses = resource<t.StorageClass>(
  'storage.k8s.io',
  'v1',
  'storageclasses',
  'StorageClass',
  false,
);
export const volumeAttributesClasses = resource<t.VolumeAttributesClass>(
  'storage.k8s.io',
  'v1',
  'volumeattributesclasses',
  'VolumeAttributesClass',
  false,
);
export const volumeAttachments = resource<t.VolumeAttachment>(
  'storage.k8s.io',
  'v1',
  'volumeattachments',
  'VolumeAttachment',
  false,
);
export const csiDrivers = resource<t.CSIDriver>('storage.k8s.io', 'v1', 'csidrivers', 'CSIDriver', false);
export const certificateSigningRequests = resource<t.CertificateSigningRequest>(
  'certificates.k8s.io',
  'v1',
  'certificatesigningrequests',
  'CertificateSigningRequest',
  false,
);
export const podCertificateRequests = resource<t.PodCertificateRequest>(
  'certificates.k8s.io',
  'v1',
  'podcertificaterequests',
  'PodCertificateRequest',
);
export const clusterTrustBundles = resource<t.ClusterTrustBundle>(
  'certificates.k8s.io',
  'v1',
  'clustertrustbundles',
  'ClusterTrustBundle',
  false,
);
export const subjectAccessReviews = resource<t.SubjectAccessReview>(
  'authorization.k8s.io',
  'v1',
  'subjectaccessreviews',
  'SubjectAccessReview',
  false,
);
export const tokenReviews = resource<t.TokenReview>(
  'authentication.k8s.io',
  'v1',
  'tokenreviews',
  'TokenReview',
  false,
);
export const clusterRoles = resource<t.ClusterRole>(
  'rbac.authorization.k8s.io',
  'v1',
  'clusterroles',
  'ClusterRole',
  false,
);
export const clusterRoleBindings = resource<t.ClusterRoleBinding>(
  'rbac.authorization.k8s.io',
  'v1',
  'clusterrolebindings',
  'ClusterRoleBinding',
  false,
);

export const validatingAdmissionPolicies = resource<t.ValidatingAdmissionPolicy>(
  'admissionregistration.k8s.io',
  'v1',
  'validatingadmissionpolicies',
  'ValidatingAdmissionPolicy',
  false,
);

export const serviceCidrs = resource<t.ServiceCIDR>(
  'networking.k8s.io',
  'v1',
  'servicecidrs',
  'ServiceCIDR',
  false,
);
export const ipAddresses = resource<t.IPAddress>(
  'networking.k8s.io',
  'v1',
  'ipaddresses',
  'IPAddress',
  false,
);

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(resource: { group: string; version: string }): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version;
}

function core<T extends KubeObject>(plural: string, kind: string, namespaced = true): Resource<T> {
  return { group: '', version: 'v1', plural, kind, namespaced };
}

function resource<T extends KubeObject>(
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced = true,
): Resource<T> {
  return { group, version, plural, kind, namespaced };
}
