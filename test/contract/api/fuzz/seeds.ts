/** An object of each kind that can be created as it is, for mutations to start from; of other kinds only the metadata. */
const podSpec = { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] };
const template = { metadata: { labels: { app: 'f' } }, spec: podSpec };
const selector = { matchLabels: { app: 'f' } };
const workload = { spec: { selector, template } };
const rule = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
const webhook = {
  name: 'a.example.com',
  clientConfig: { url: 'https://example.com/hook' },
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
};
const policyRules = {
  resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['*'] }],
};

/** By `group/Kind`. */
export const seeds: Readonly<Record<string, object>> = {
  '/Binding': { target: { kind: 'Node', name: 'n' } },
  '/ConfigMap': { data: { a: 'b' } },
  '/Endpoints': { subsets: [{ addresses: [{ ip: '10.0.0.3' }], ports: [{ port: 1 }] }] },
  '/Event': { involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' }, reason: 'R', type: 'Normal' },
  '/LimitRange': { spec: { limits: [{ type: 'Container', default: { cpu: '1' } }] } },
  '/Namespace': { spec: {} },
  '/Node': { spec: {}, status: { capacity: { cpu: '1' } } },
  '/PersistentVolume': {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/tmp' } },
  },
  '/PersistentVolumeClaim': {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  },
  '/Pod': { spec: podSpec },
  '/PodTemplate': { template },
  '/ReplicationController': { spec: { selector: { app: 'f' }, template } },
  '/ResourceQuota': { spec: { hard: { 'count/leases.coordination.k8s.io': '100000' } } },
  '/Secret': { stringData: { a: 'b' } },
  '/Service': { spec: { type: 'NodePort', selector: { app: 'f' }, ports: [{ port: 80 }] } },
  'apps/ControllerRevision': { revision: 1, data: { a: 1 } },
  'apps/DaemonSet': workload,
  'apps/Deployment': workload,
  'apps/ReplicaSet': workload,
  'apps/StatefulSet': { spec: { selector, template, serviceName: 's' } },
  'autoscaling/HorizontalPodAutoscaler': {
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }, maxReplicas: 3 },
  },
  'batch/CronJob': {
    spec: {
      schedule: '* * * * *',
      jobTemplate: { spec: { template: { spec: { ...podSpec, restartPolicy: 'Never' } } } },
    },
  },
  'batch/Job': { spec: { template: { spec: { ...podSpec, restartPolicy: 'Never' } } } },
  'coordination.k8s.io/Lease': { spec: { holderIdentity: 'h', leaseDurationSeconds: 10 } },
  'discovery.k8s.io/EndpointSlice': {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['1.2.3.4'] }],
    ports: [{ port: 80 }],
  },
  'events.k8s.io/Event': {
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'example.com/c',
    reportingInstance: 'i',
    action: 'Do',
    reason: 'R',
    type: 'Normal',
    regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
  },
  'flowcontrol.apiserver.k8s.io/FlowSchema': {
    spec: { priorityLevelConfiguration: { name: 'global-default' }, matchingPrecedence: 9000 },
  },
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': {
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } },
  },
  'networking.k8s.io/Ingress': { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
  'networking.k8s.io/IngressClass': { spec: { controller: 'example.com/c' } },
  'networking.k8s.io/NetworkPolicy': { spec: { podSelector: {} } },
  'networking.k8s.io/ServiceCIDR': { spec: { cidrs: ['10.200.0.0/24'] } },
  'node.k8s.io/RuntimeClass': { handler: 'h' },
  'policy/PodDisruptionBudget': { spec: { selector, minAvailable: 1 } },
  'rbac.authorization.k8s.io/ClusterRole': { rules: [rule] },
  'rbac.authorization.k8s.io/Role': { rules: [rule] },
  'rbac.authorization.k8s.io/ClusterRoleBinding': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' }],
  },
  'rbac.authorization.k8s.io/RoleBinding': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'ServiceAccount', name: 's', namespace: 'default' }],
  },
  'scheduling.k8s.io/PriorityClass': { value: 10 },
  'storage.k8s.io/CSIDriver': { spec: { attachRequired: false } },
  'storage.k8s.io/CSINode': { spec: { drivers: [] } },
  'storage.k8s.io/CSIStorageCapacity': { storageClassName: 'c', capacity: '1Gi' },
  'storage.k8s.io/StorageClass': { provisioner: 'example.com/p' },
  'storage.k8s.io/VolumeAttachment': {
    spec: { attacher: 'a', nodeName: 'n', source: { persistentVolumeName: 'p' } },
  },
  'storage.k8s.io/VolumeAttributesClass': { driverName: 'd', parameters: { a: 'b' } },
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': { webhooks: [webhook] },
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': { webhooks: [webhook] },
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': {
    spec: { matchConstraints: policyRules, validations: [{ expression: 'true' }] },
  },
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': {
    spec: { policyName: 'nobody', validationActions: ['Audit'] },
  },
};
