import type { ObjectMeta, PodDNSConfig, PodResourceClaim, PodSpec } from '../../../gen/types.ts';
import { compareQuantities, parseQuantity } from '../../../quantity/index.ts';
import { matches, optionalChoice, requiredChoice, withinRange } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import {
  duplicate,
  fieldForbidden,
  fieldNotFound,
  invalidValue,
  notSupported,
  required,
  tooLong,
} from '../../../validate/field-error.ts';
import {
  dns1123Label,
  dns1123Subdomain,
  dns1123SubdomainWithUnderscore,
  qualifiedName,
} from '../../../validate/formats.ts';
import { validateIpLegacy } from '../../../validate/ip.ts';
import { validateLabels } from '../../../validate/labels.ts';
import { own } from '../../../validate/own.ts';
import { Path } from '../../../validate/path.ts';
import {
  isHugePages,
  validateContainerResourceName,
  validateResourceName,
} from '../../../validate/resources.ts';
import { validateTolerations } from '../../taints.ts';
import { validateAffinity, validateSpreadConstraints } from './affinity.ts';
import { aggregateResources, isPodLevelResource } from './aggregate.ts';
import type { PodContext } from './containers.ts';
import {
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
  validateResources,
} from './containers.ts';
import type { AnyContainer } from './mounts.ts';
import { validateForOs, validatePodSecurityContext } from './security.ts';
import { validateVolumes } from './volumes.ts';

/** `meta` is the pod's; for a template there is none, and some rules wait for the pod. */
export function validatePodSpec(spec: PodSpec, meta: ObjectMeta | undefined, path: Path): FieldError[] {
  const { valid: volumes, errors } = validateVolumes(spec.volumes ?? [], meta, path.child('volumes'));
  const claims = spec.resourceClaims ?? [];
  const claimNames = new Set(claims.map(({ name }) => name).filter(Boolean));
  const pod: PodContext = { spec, volumes, claimNames, hostUsers: spec.hostUsers !== false };
  const each = containersOf(spec, path);
  return [
    ...(spec.terminationGracePeriodSeconds === undefined
      ? [required(path.child('terminationGracePeriodSeconds'))]
      : []),
    ...errors,
    ...validateResourceClaims(claims, meta, path.child('resourceClaims')),
    ...validateContainers(pod, path.child('containers')),
    ...validateInitContainers(pod, path.child('initContainers')),
    ...validateEphemeralContainers(pod, path.child('ephemeralContainers')),
    ...validatePodResources(spec, claimNames, path.child('resources')),
    ...validateHostNetworkPorts(spec, meta !== undefined, path),
    ...requiredChoice(spec.restartPolicy, ['Always', 'OnFailure', 'Never'], path.child('restartPolicy')),
    ...requiredChoice(spec.dnsPolicy, dnsPolicies, path.child('dnsPolicy')),
    ...validateLabels(spec.nodeSelector, path.child('nodeSelector')),
    ...validatePodSecurityContext(spec, path),
    ...validateAffinity(spec.affinity, path.child('affinity')),
    ...validateDnsConfig(spec.dnsConfig, spec.dnsPolicy, path.child('dnsConfig')),
    ...validateGates(spec, path),
    ...validateSpreadConstraints(
      spec.topologySpreadConstraints ?? [],
      path.child('topologySpreadConstraints'),
    ),
    ...validateHostUsers(spec, path),
    ...validateNames(spec, path),
    ...validateTolerations(spec.tolerations ?? [], path.child('tolerations')),
    ...validateHostAliases(spec, path.child('hostAliases')),
    ...validateOverhead(spec, path.child('overhead')),
    ...validateOs(spec, path.child('os')),
    ...validateForOs(spec, each, path),
    ...validateFileKeyVolumes(spec, each),
  ];
}

const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/** All containers with their paths: init containers first. */
export function containersOf(spec: PodSpec, path: Path): [container: AnyContainer, path: Path][] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((field) =>
    (spec[field] ?? []).map((container, index): [AnyContainer, Path] => [
      container,
      path.child(field).index(index),
    ]),
  );
}

export const mirrorAnnotation = 'kubernetes.io/config.mirror';

function validateResourceClaims(
  claims: readonly PodResourceClaim[],
  meta: ObjectMeta | undefined,
  path: Path,
): FieldError[] {
  const names = new Set<string>();
  return claims.flatMap((claim, index) => {
    if (meta?.annotations?.[mirrorAnnotation] !== undefined) {
      return [fieldForbidden(Path.of(''), 'static pods do not support resource claims')];
    }
    const at = path.index(index);
    const { name, resourceClaimName: claimName, resourceClaimTemplateName: templateName } = claim;
    const errors: FieldError[] = [];
    if (!name) errors.push(required(at.child('name')));
    else if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    else errors.push(...matches(dns1123Label, name, at.child('name')));
    names.add(name);
    if (claimName !== undefined && templateName !== undefined) {
      const detail = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      errors.push(invalidValue(at, claim, detail));
    }
    if (claimName === undefined && templateName === undefined) {
      const detail = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`';
      errors.push(invalidValue(at, claim, detail));
    }
    if (claimName !== undefined)
      errors.push(...matches(dns1123Subdomain, claimName, at.child('resourceClaimName')));
    if (templateName !== undefined) {
      errors.push(...matches(dns1123Subdomain, templateName, at.child('resourceClaimTemplateName')));
    }
    return errors;
  });
}

/** Resources of the pod as a whole hold what its containers need (KEP-2837). */
function validatePodResources(spec: PodSpec, claimNames: ReadonlySet<string>, path: Path): FieldError[] {
  const { resources } = spec;
  if (!resources) return [];
  if (spec.os?.name === 'windows') return [fieldForbidden(path, 'may not be set for a windows pod')];
  const errors: FieldError[] = [];
  if (resources.claims) {
    errors.push(fieldForbidden(path.child('claims'), 'claims may not be set for Resources at pod-level'));
  }
  errors.push(...validateResources(resources, validatePodResourceName, claimNames, path));
  const isMore = (a: string, b: string) => compareQuantities(parseQuantity(a), parseQuantity(b)) > 0;
  for (const [name, needed] of Object.entries(aggregateResources(spec, 'requests'))) {
    const given = own(resources.requests, name);
    if (given === undefined || !isMore(needed, given)) continue;
    const detail = `must be greater than or equal to aggregate container requests of ${needed}`;
    errors.push(invalidValue(path.child('requests').key(name), given, detail));
  }
  for (const [name, needed] of Object.entries(aggregateResources(spec, 'limits'))) {
    const given = own(resources.limits, name);
    if (!isHugePages(name) || given === undefined || !isMore(needed, given)) continue;
    const detail = `must be greater than or equal to aggregate container limits of ${needed}`;
    errors.push(invalidValue(path.child('limits').key(name), given, detail));
  }
  for (const [index, container] of spec.containers.entries()) {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const given = own(resources.limits, name);
      if (given === undefined || !isMore(limit, given)) continue;
      const at = path.child('containers').index(index).key(name).child('limits');
      errors.push(invalidValue(at, limit, `must be less than or equal to pod limits of ${given}`));
    }
  }
  return errors;
}

function validatePodResourceName(name: string, path: Path): FieldError[] {
  const errors = validateResourceName(name, path);
  if (errors.length > 0 || isPodLevelResource(name)) return errors;
  return [notSupported(path, name, ['cpu', 'hugepages-', 'memory'])];
}

function validateHostNetworkPorts(spec: PodSpec, isPod: boolean, path: Path): FieldError[] {
  if (!spec.hostNetwork) return [];
  return spec.containers.flatMap(({ ports = [] }, index) =>
    ports.flatMap(({ hostPort = 0, containerPort }, at) => {
      if (hostPort === containerPort || (!isPod && hostPort === 0)) return [];
      const portPath = path.child('containers').index(index).child('ports').index(at).child('hostPort');
      return [invalidValue(portPath, hostPort, 'must match `containerPort` when `hostNetwork` is true')];
    }),
  );
}

const maxNameservers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

function validateDnsConfig(
  config: PodDNSConfig | undefined,
  policy: string | undefined,
  path: Path,
): FieldError[] {
  if (policy === 'None') {
    if (!config) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (!config.nameservers?.length) {
      const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      return [required(path.child('nameservers'), detail)];
    }
  }
  const { nameservers = [], searches = [], options = [] } = config ?? {};
  const errors: FieldError[] = [];
  if (nameservers.length > maxNameservers) {
    const detail = `must not have more than ${maxNameservers} nameservers`;
    errors.push(invalidValue(path.child('nameservers'), nameservers, detail));
  }
  for (const [index, server] of nameservers.entries()) {
    errors.push(...validateIpLegacy(path.child('nameservers').index(index), server));
  }
  const searchesPath = path.child('searches');
  if (searches.length > maxSearches) {
    errors.push(invalidValue(searchesPath, searches, `must not have more than ${maxSearches} search paths`));
  }
  if (Buffer.byteLength(searches.join(' ')) > maxSearchCharacters) {
    const detail = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    errors.push(invalidValue(searchesPath, searches, detail));
  }
  for (const [index, search] of searches.entries()) {
    if (search === '.') continue;
    errors.push(
      ...matches(dns1123SubdomainWithUnderscore, search.replace(/\.$/, ''), searchesPath.index(index)),
    );
  }
  for (const [index, { name }] of options.entries()) {
    if (!name) errors.push(required(path.child('options').index(index), 'must not be empty'));
  }
  return errors;
}

function validateGates({ readinessGates = [], schedulingGates = [] }: PodSpec, path: Path): FieldError[] {
  const errors = readinessGates.flatMap(({ conditionType }, index) =>
    matches(qualifiedName, conditionType, path.child('readinessGates').index(index).child('conditionType')),
  );
  const seen = new Set<string>();
  for (const [index, { name }] of schedulingGates.entries()) {
    const at = path.child('schedulingGates').index(index);
    errors.push(...matches(qualifiedName, name, at));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
  }
  return errors;
}

function validateHostUsers(spec: PodSpec, path: Path): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const detail = 'when `hostUsers` is false';
  const errors: FieldError[] = [];
  if (spec.hostNetwork) errors.push(fieldForbidden(path.child('hostNetwork'), detail));
  if (spec.hostPID) errors.push(fieldForbidden(path.child('HostPID'), detail));
  if (spec.hostIPC) errors.push(fieldForbidden(path.child('HostIPC'), detail));
  for (const [{ volumeDevices }, at] of containersOf(spec, path)) {
    if (volumeDevices?.length) errors.push(fieldForbidden(at.child('volumeDevices'), detail));
  }
  return errors;
}

function validateNames(spec: PodSpec, path: Path): FieldError[] {
  const { hostnameOverride: override, preemptionPolicy } = spec;
  const errors: FieldError[] = [];
  if (override !== undefined) {
    const at = path.child('hostnameOverride');
    if (spec.setHostnameAsFQDN)
      errors.push(fieldForbidden(at, 'may not be specified when setHostnameAsFQDN is true'));
    if (spec.hostNetwork) errors.push(fieldForbidden(at, 'may not be specified when hostNetwork is true'));
    if (Buffer.byteLength(override) > 64) errors.push(tooLong(at, 64));
    errors.push(...matches(dns1123Subdomain, override, at));
  }
  for (const field of ['serviceAccountName', 'nodeName'] as const) {
    if (spec[field]) errors.push(...matches(dns1123Subdomain, spec[field], path.child(field)));
  }
  errors.push(
    ...withinRange(spec.activeDeadlineSeconds, 1, 2 ** 31 - 1, path.child('activeDeadlineSeconds')),
  );
  for (const field of ['hostname', 'subdomain'] as const) {
    if (spec[field]) errors.push(...matches(dns1123Label, spec[field], path.child(field)));
  }
  for (const field of ['priorityClassName', 'runtimeClassName'] as const) {
    if (spec[field]) errors.push(...matches(dns1123Subdomain, spec[field], path.child(field)));
  }
  const policies = ['PreemptLowerPriority', 'Never'];
  return [...errors, ...optionalChoice(preemptionPolicy, policies, path.child('preemptionPolicy'))];
}

function validateHostAliases({ hostAliases = [] }: PodSpec, path: Path): FieldError[] {
  return hostAliases.flatMap(({ ip, hostnames = [] }, index) => {
    const at = path.index(index);
    return [
      ...validateIpLegacy(at.child('ip'), ip),
      ...hostnames.flatMap((name, position) =>
        matches(dns1123Subdomain, name, at.child('hostnames').index(position)),
      ),
    ];
  });
}

function validateOverhead({ overhead }: PodSpec, path: Path): FieldError[] {
  if (!overhead) return [];
  return validateResources({ limits: overhead }, validateContainerResourceName, new Set(), path);
}

function validateOs({ os }: PodSpec, path: Path): FieldError[] {
  if (!os) return [];
  if (!os.name) return [required(path.child('name'))];
  return optionalChoice(os.name, ['linux', 'windows'], path);
}

/** Variables that come out of a file need a volume that another container wrote it to (KEP-3721). */
function validateFileKeyVolumes(spec: PodSpec, each: readonly [AnyContainer, Path][]): FieldError[] {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  return each.flatMap(([{ env = [] }, path]) =>
    env.flatMap(({ valueFrom }, index) => {
      const name = valueFrom?.fileKeyRef?.volumeName;
      if (name === undefined) return [];
      const at = path.child('env').index(index).child('valueFrom', 'fileKeyRef', 'volumeName');
      const volume = volumes.get(name);
      if (!volume) return [fieldNotFound(at, name)];
      return volume.emptyDir ? [] : [invalidValue(at, name, 'referenced volume must be of type emptyDir')];
    }),
  );
}
