/**
 * The fields that `fieldSelector` may name, a kind at a time (API concepts, "Field Selectors"), and what they hold.
 * Custom resources add theirs from `selectableFields` of their definition (KEP-4358).
 */
import { KumulusError } from '../../errors.ts';
import type { FieldSelector } from './field-selector.ts';
import { quote } from '../validate/quote.ts';

const involvedObject = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

/** By `group/Kind`; `metadata.name`, and `metadata.namespace` for kinds in namespaces, need no entry. */
const extraFields: Readonly<Record<string, readonly string[]>> = {
  '/Pod': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'spec.host',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  '/Node': ['spec.unschedulable'],
  '/ReplicationController': ['status.replicas'],
  '/Event': [
    ...involvedObject.map((field) => `involvedObject.${field}`),
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  'events.k8s.io/Event': [
    ...involvedObject.map((field) => `regarding.${field}`),
    'reason',
    'reportingController',
    'type',
  ],
  '/Namespace': ['status.phase'],
  '/Secret': ['type'],
  '/Service': ['spec.clusterIP', 'spec.type'],
  'batch/Job': ['status.successful'],
  'certificates.k8s.io/CertificateSigningRequest': ['spec.signerName'],
  'certificates.k8s.io/ClusterTrustBundle': ['spec.signerName'],
  'certificates.k8s.io/PodCertificateRequest': ['spec.signerName', 'spec.nodeName'],
  'resource.k8s.io/ResourceSlice': ['spec.nodeName', 'spec.driver'],
};

const clusterScoped = new Set([
  '/Node',
  '/Namespace',
  'certificates.k8s.io/CertificateSigningRequest',
  'certificates.k8s.io/ClusterTrustBundle',
  'resource.k8s.io/ResourceSlice',
]);

interface SelectableKind {
  group: string;
  version: string;
  kind: string;
  /** JSON paths that a custom resource's definition adds, without the leading dot. */
  selectableFields?: readonly string[];
}

/** @throws KumulusError BadRequest in kube-apiserver's words when the kind does not have one of the fields. */
export function checkFieldSelector(selector: FieldSelector, kind: SelectableKind): void {
  const id = `${kind.group}/${kind.kind}`;
  const extra = extraFields[id] ?? kind.selectableFields;
  for (const { field } of selector) {
    if (field === 'metadata.name' || extra?.includes(field)) continue;
    if (field === 'metadata.namespace' && !clusterScoped.has(id)) continue;
    throw new KumulusError('BadRequest', unsupported(field, kind, extra !== undefined));
  }
}

function unsupported(field: string, { group, version, kind }: SelectableKind, hasOwnFields: boolean): string {
  if (!hasOwnFields) {
    return `${quote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
  }
  if (group === 'batch') return `field label ${quote(field)} not supported for batchv1.Job`;
  if (group === 'resource.k8s.io') {
    return `field label not supported for ${group}/${version}, Kind=${kind}: ${field}`;
  }
  return `field label not supported: ${field}`;
}

/** What an object holds at a selectable field, as text; '' where it is absent. */
export function selectableField(object: unknown, group: string, kind: string, field: string): string {
  const read = computed[`${group}/${kind}`]?.[field];
  return read ? read(object) : text(at(object, field));
}

const computed: Readonly<Record<string, Readonly<Record<string, (object: unknown) => string>>>> = {
  '/Pod': {
    // The name that clients of before v1 sent.
    'spec.host': (pod) => text(at(pod, 'spec.nodeName')),
    'spec.hostNetwork': (pod) => flag(at(pod, 'spec.hostNetwork')),
    'status.podIP': (pod) => text(at(pod, 'status.podIPs.0.ip') ?? at(pod, 'status.podIP')),
    // Accepted, and never set: kube-apiserver has no value for it either.
    'status.podIPs': () => '',
  },
  '/Node': { 'spec.unschedulable': (node) => flag(at(node, 'spec.unschedulable')) },
  '/ReplicationController': { 'status.replicas': (object) => count(at(object, 'status.replicas')) },
  '/Event': {
    source: (event) => text(at(event, 'source.component')) || text(at(event, 'reportingComponent')),
  },
  'batch/Job': { 'status.successful': (job) => count(at(job, 'status.succeeded')) },
};

function at(object: unknown, path: string): unknown {
  let value = object;
  for (const step of path.split('.')) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function flag(value: unknown): string {
  return value === true ? 'true' : 'false';
}

function count(value: unknown): string {
  return typeof value === 'number' ? String(value) : '0';
}
