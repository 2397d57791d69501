import type { ContainerStatus, Pod, PodIP, PodSpec } from '../../../gen/types.ts';
import { matches } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { duplicate, fieldForbidden, invalidValue } from '../../../validate/field-error.ts';
import { dns1123Subdomain, qualifiedName } from '../../../validate/formats.ts';
import { parseIp, validateIpLegacy } from '../../../validate/ip.ts';
import { immutable, validateObjectMetaUpdate } from '../../../validate/object-meta.ts';
import { Path } from '../../../validate/path.ts';
import { validatePodAnnotationUpdates } from './annotations.ts';

const path = Path.of('status');

export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const status = pod.status ?? {};
  const before = old.status ?? {};
  const nominated = path.child('nominatedNodeName');
  const errors = [
    ...validateObjectMetaUpdate(pod.metadata, old.metadata),
    ...validatePodAnnotationUpdates(pod, old, Path.of('metadata', 'annotations')),
    ...validateConditions(pod),
  ];
  if (pod.spec.nodeName !== old.spec.nodeName) {
    errors.push(fieldForbidden(path.child('nodeName'), 'may not be changed directly'));
  }
  if (status.nominatedNodeName && status.nominatedNodeName !== before.nominatedNodeName) {
    errors.push(...matches(dns1123Subdomain, status.nominatedNodeName, nominated));
    if (old.spec.nodeName) {
      errors.push(fieldForbidden(nominated, 'may not be set on pods that are already bound to a node'));
    }
  }
  if ((status.observedGeneration ?? 0) < 0) {
    const at = path.child('observedGeneration');
    errors.push(invalidValue(at, status.observedGeneration, 'must be a non-negative integer'));
  }
  errors.push(...immutable(status.qosClass ?? '', before.qosClass ?? '', path.child('qosClass')));
  errors.push(...validateTransitions(pod, old));
  errors.push(...validateClaimStatuses(pod));
  errors.push(...validateIps(status.podIPs, before.podIPs, path.child('podIPs')));
  const hostIps = path.child('hostIPs');
  const [first] = status.hostIPs ?? [];
  if (first && first.ip !== status.hostIP) {
    errors.push(invalidValue(hostIps.index(0).child('ip'), first.ip, 'must be equal to `hostIP`'));
  }
  return [...errors, ...validateIps(status.hostIPs, before.hostIPs, hostIps)];
}

const systemConditions = ['PodScheduled', 'Ready', 'Initialized'];

function validateConditions({ status }: Pod): FieldError[] {
  return (status?.conditions ?? []).flatMap(({ type, observedGeneration = 0 }, index) => {
    const at = path.child('conditions').index(index);
    const errors: FieldError[] = [];
    if (observedGeneration < 0) {
      const detail = 'must be a non-negative integer';
      errors.push(invalidValue(at.child('observedGeneration'), observedGeneration, detail));
    }
    if (!systemConditions.includes(type)) errors.push(...matches(qualifiedName, type, at.child('Type')));
    return errors;
  });
}

/** A container that ended for good does not run again. */
function validateTransitions(pod: Pod, old: Pod): FieldError[] {
  const fields = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const;
  return fields.flatMap((field) =>
    (old.status?.[field] ?? []).flatMap((before, index) => {
      if (!before.state?.terminated || mayRestart(field, before, old.spec)) return [];
      const after = pod.status?.[field]?.find(({ name }) => name === before.name);
      if (!after || after.state?.terminated) return [];
      const at = path.child(field).index(index).child('state');
      return [fieldForbidden(at, 'may not be transitioned to non-terminated state')];
    }),
  );
}

function mayRestart(field: string, status: ContainerStatus, spec: PodSpec): boolean {
  if (field === 'ephemeralContainerStatuses') return false;
  const containers = field === 'containerStatuses' ? spec.containers : (spec.initContainers ?? []);
  const container = containers.find(({ name }) => name === status.name);
  const exitCode = status.state?.terminated?.exitCode ?? 0;
  for (const { exitCodes } of container?.restartPolicyRules ?? []) {
    if (!exitCodes) continue;
    const isListed = exitCodes.values?.includes(exitCode) ?? false;
    if (exitCodes.operator === 'In' ? isListed : !isListed) return true;
  }
  const policy = container?.restartPolicy ?? spec.restartPolicy;
  if (policy === 'Always') return true;
  return policy === 'OnFailure' && exitCode !== 0;
}

function validateClaimStatuses({ spec, status }: Pod): FieldError[] {
  const claims = new Set(spec.resourceClaims?.map(({ name }) => name));
  const seen = new Set<string>();
  return (status?.resourceClaimStatuses ?? []).flatMap(({ name, resourceClaimName }, index) => {
    const at = path.child('resourceClaimStatuses').index(index).child('name');
    const errors: FieldError[] = [];
    if (!claims.has(name)) {
      errors.push(invalidValue(at, name, 'must match the name of an entry in `spec.resourceClaims`'));
    }
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    if (resourceClaimName !== undefined) errors.push(...matches(dns1123Subdomain, resourceClaimName, at));
    return errors;
  });
}

/** At most one address of each family. */
function validateIps(ips: readonly PodIP[] = [], old: readonly PodIP[] = [], at: Path): FieldError[] {
  const stored = old.map(({ ip }) => ip);
  const errors = ips.flatMap(({ ip }, index) => validateIpLegacy(at.index(index), ip, stored));
  const families = new Set(ips.map(({ ip }) => parseIp(ip)?.family));
  if (ips.length > 1 && (families.size !== 2 || ips.length > 2)) {
    errors.push(invalidValue(at, ips, 'may specify no more than one IP for each IP family'));
  }
  return errors;
}

/** Clients that do not know of the class or of observed generations must not take them away. */
export function keepOldStatus(pod: Pod, old: Pod): void {
  const { qosClass, observedGeneration } = old.status ?? {};
  const status = {
    ...pod.status,
    ...(!pod.status?.qosClass && qosClass && { qosClass }),
    ...(!pod.status?.observedGeneration && observedGeneration && { observedGeneration }),
  };
  // A type may be there more than once: the first takes the first's.
  const before = [...(old.status?.conditions ?? [])];
  if (status.conditions) {
    status.conditions = status.conditions.map((condition) => {
      const at = before.findIndex(({ type }) => type === condition.type);
      const [was] = at < 0 ? [] : before.splice(at, 1);
      return condition.observedGeneration || !was?.observedGeneration
        ? condition
        : { ...condition, observedGeneration: was.observedGeneration };
    });
  }
  pod.status = status;
}
