/** Access, admission, scheduling and flow control. */
import type * as t from '../gen/types.ts';
import { humanDuration } from './duration.ts';
import {
  age,
  ageColumn,
  type Cell,
  column,
  flag,
  formatLabelSelector,
  integer,
  type KindTable,
  nameColumn,
  nameOf,
  tableOf,
  wide,
} from './kind-table.ts';

function bindingTable(where: string): KindTable {
  return tableOf<t.RoleBinding | t.ClusterRoleBinding>(
    [
      nameColumn,
      column('Role', 'The role that is bound.'),
      ageColumn,
      column('Users', `Users in the ${where}`, wide),
      column('Groups', `Groups in the ${where}`, wide),
      column('ServiceAccounts', `ServiceAccounts in the ${where}`, wide),
    ],
    (object, now) => {
      const named = (kind: string, name: (subject: t.RbacV1Subject) => string) =>
        (object.subjects ?? [])
          .filter((subject) => subject.kind === kind)
          .map(name)
          .join(', ');
      return [
        nameOf(object),
        `${object.roleRef.kind}/${object.roleRef.name}`,
        age(object, now),
        named('User', ({ name }) => name),
        named('Group', ({ name }) => name),
        named('ServiceAccount', ({ name, namespace }) => `${namespace ?? ''}/${name}`),
      ];
    },
  );
}

const webhookTable = tableOf<t.MutatingWebhookConfiguration | t.ValidatingWebhookConfiguration>(
  [
    nameColumn,
    column('Webhooks', 'Webhooks indicates the number of webhooks registered in this configuration', integer),
    ageColumn,
  ],
  (object, now) => [nameOf(object), object.webhooks?.length ?? 0, age(object, now)],
);

const policyBindingTable = tableOf<t.ValidatingAdmissionPolicyBinding>(
  [
    nameColumn,
    column('PolicyName', 'The policy that is bound.'),
    column('ParamRef', 'The object that holds its parameters.'),
    ageColumn,
  ],
  (object, now) => {
    const param = object.spec?.paramRef;
    const name = param?.name
      ? `${param.namespace || '*'}/${param.name}`
      : param?.selector
        ? formatLabelSelector(param.selector)
        : '<unset>';
    return [nameOf(object), object.spec?.policyName ?? '', name, age(object, now)];
  },
);

/** By `group/Kind`. */
export const policyTables: Readonly<Record<string, KindTable>> = {
  'rbac.authorization.k8s.io/RoleBinding': bindingTable('roleBinding'),
  'rbac.authorization.k8s.io/ClusterRoleBinding': bindingTable('clusterRoleBinding'),
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': webhookTable,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': webhookTable,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': tableOf<t.ValidatingAdmissionPolicy>(
    [
      nameColumn,
      column(
        'Validations',
        'Validations indicates the number of validation rules defined in this configuration',
        integer,
      ),
      column('ParamKind', 'ParamKind specifies the kind of resources used to parameterize this policy'),
      ageColumn,
    ],
    (object, now) => {
      const param = object.spec?.paramKind;
      const kind = param ? `${param.apiVersion ?? ''}/${param.kind ?? ''}` : '<unset>';
      return [nameOf(object), object.spec?.validations?.length ?? 0, kind, age(object, now)];
    },
  ),
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': policyBindingTable,
  'policy/PodDisruptionBudget': tableOf<t.PodDisruptionBudget>(
    [
      nameColumn,
      column('Min Available', 'The minimum number of pods that must be available.'),
      column('Max Unavailable', 'The maximum number of pods that may be unavailable.'),
      column('Allowed Disruptions', 'Calculated number of pods that may be disrupted at this time.', integer),
      ageColumn,
    ],
    (object, now) => [
      nameOf(object),
      String(object.spec?.minAvailable ?? 'N/A'),
      String(object.spec?.maxUnavailable ?? 'N/A'),
      object.status?.disruptionsAllowed ?? 0,
      age(object, now),
    ],
  ),
  'certificates.k8s.io/ClusterTrustBundle': tableOf<t.ClusterTrustBundle>(
    [nameColumn, column('SignerName', 'The signer whose trust anchors they are.')],
    (object) => [nameOf(object), object.spec.signerName || '<none>'],
  ),
  'certificates.k8s.io/CertificateSigningRequest': tableOf<t.CertificateSigningRequest>(
    [
      nameColumn,
      ageColumn,
      column('SignerName', 'Who is asked to sign.'),
      column('Requestor', 'Who asks.'),
      column('RequestedDuration', 'How long the certificate is to be valid.'),
      column('Condition', 'What has become of it.'),
    ],
    (object, now) => {
      const seconds = object.spec.expirationSeconds;
      return [
        nameOf(object),
        age(object, now),
        object.spec.signerName || '<none>',
        object.spec.username ?? '',
        seconds === undefined ? '<none>' : humanDuration(seconds * 1000),
        requestStatus(object),
      ];
    },
  ),
  'scheduling.k8s.io/PriorityClass': tableOf<t.PriorityClass>(
    [
      nameColumn,
      column('Value', 'The priority of its pods.', integer),
      column('Global-Default', 'Whether pods without a class are of this one.', flag),
      ageColumn,
      column('PreemptionPolicy', 'Whether its pods displace others.'),
    ],
    (object, now) => [
      nameOf(object),
      object.value ?? 0,
      object.globalDefault ?? false,
      age(object, now),
      object.preemptionPolicy ?? '',
    ],
  ),
  'certificates.k8s.io/PodCertificateRequest': tableOf<t.PodCertificateRequest>(
    [
      nameColumn,
      column('PodName', 'The pod that the certificate is for.'),
      column('ServiceAccountName', 'The account that the pod runs as.'),
      column('NodeName', 'The node that the pod is on.'),
      column('SignerName', 'Who is to sign it.'),
      column('State', 'Is the request Pending, Issued, Denied or Failed?'),
      ageColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.spec.podName,
      object.spec.serviceAccountName,
      object.spec.nodeName,
      object.spec.signerName,
      object.status?.conditions?.find(({ type }) => podCertificateStates.includes(type))?.type ?? 'Pending',
      age(object, now),
    ],
  ),
  'storagemigration.k8s.io/StorageVersionMigration': tableOf<t.StorageVersionMigration>(
    [
      column('Name', 'Unique among the objects of the kind.'),
      column('Resource', 'Fully qualified resource to migrate'),
    ],
    (object) => {
      const { resource, group } = object.spec?.resource ?? { resource: '', group: '' };
      return [nameOf(object), group ? `${resource}.${group}` : resource];
    },
  ),
  'node.k8s.io/RuntimeClass': tableOf<t.RuntimeClass>(
    [nameColumn, column('Handler', 'What the node’s runtime calls it.'), ageColumn],
    (object, now) => [nameOf(object), object.handler, age(object, now)],
  ),
  'coordination.k8s.io/Lease': tableOf<t.Lease>(
    [nameColumn, column('Holder', 'Who holds the lease.'), ageColumn],
    (object, now) => [nameOf(object), object.spec?.holderIdentity ?? '', age(object, now)],
  ),
  'flowcontrol.apiserver.k8s.io/FlowSchema': tableOf<t.FlowSchema>(
    [
      nameColumn,
      column('PriorityLevel', 'The priority level that its requests have.'),
      column('MatchingPrecedence', 'Which schema is asked first: the one with the lowest number.'),
      column('DistinguisherMethod', 'What tells its flows apart.'),
      ageColumn,
      column('MissingPL', 'references a broken or non-existent PriorityLevelConfiguration'),
    ],
    (object, now) => [
      nameOf(object),
      object.spec?.priorityLevelConfiguration.name ?? '',
      object.spec?.matchingPrecedence ?? 0,
      object.spec?.distinguisherMethod?.type ?? '<none>',
      age(object, now),
      object.status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    ],
  ),
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': tableOf<t.PriorityLevelConfiguration>(
    [
      nameColumn,
      column('Type', 'Whether it is limited.'),
      column('NominalConcurrencyShares', 'Its share of the seats.'),
      column('Queues', 'The number of its queues.'),
      column('HandSize', 'The number of queues that one flow has.'),
      column('QueueLengthLimit', 'The most requests that wait in a queue.'),
      ageColumn,
    ],
    (object, now) => {
      const { limited, type } = object.spec;
      const queuing = limited?.limitResponse?.queuing;
      const orNone = (value: number | undefined): Cell => value ?? '<none>';
      return [
        nameOf(object),
        type,
        orNone(limited?.nominalConcurrencyShares),
        orNone(queuing?.queues),
        orNone(queuing?.handSize),
        orNone(queuing?.queueLengthLimit),
        age(object, now),
      ];
    },
  ),
};

const podCertificateStates = ['Denied', 'Failed', 'Issued'];

function requestStatus({ status }: t.CertificateSigningRequest): string {
  const has = (type: string) => status?.conditions?.some((condition) => condition.type === type);
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return `${decision}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`;
}
