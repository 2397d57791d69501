import type {
  Container,
  ContainerPort,
  ContainerResizePolicy,
  CoreV1ResourceClaim,
  PodSpec,
  ResourceRequirements,
} from '../../../gen/types.ts';
import { compareQuantities, parseQuantity } from '../../../quantity/index.ts';
import { filled, matches, requiredChoice, requiredMatch, withinRange } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import {
  duplicate,
  fieldForbidden,
  fieldNotFound,
  invalidValue,
  required,
} from '../../../validate/field-error.ts';
import { dns1123Label, portName } from '../../../validate/formats.ts';
import { own } from '../../../validate/own.ts';
import type { Path } from '../../../validate/path.ts';
import {
  isHugePages,
  isOvercommitAllowed,
  validateContainerResourceName,
  validateResourceAmount,
} from '../../../validate/resources.ts';
import { protocols } from '../endpoints.ts';
import { validateEnv, validateEnvFrom } from './env.ts';
import type { AnyContainer, Volumes } from './mounts.ts';
import { validateDevices, validateMounts } from './mounts.ts';
import { validateLifecycle, validateProbe } from './probes.ts';
import { validateRestartRules } from './restart-rules.ts';
import { validateSecurityContext } from './security.ts';

/** What the rules of a container need to know of its pod. */
export interface PodContext {
  spec: PodSpec;
  volumes: Volumes;
  claimNames: ReadonlySet<string>;
  hostUsers: boolean;
}

export function validateContainers(pod: PodContext, path: Path): FieldError[] {
  const { containers, os, terminationGracePeriodSeconds: grace } = pod.spec;
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  const errors = containers.flatMap((container, index) => {
    const at = path.index(index);
    const found = validateCommon(container, pod, at);
    if (names.has(container.name)) found.push(duplicate(at.child('name'), container.name));
    names.add(container.name);
    if (container.lifecycle)
      found.push(...validateLifecycle(container.lifecycle, grace, os, at.child('lifecycle')));
    return [...found, ...validateProbes(container, grace, at), ...validateRestartRules(container, at)];
  });
  return [...errors, ...validateHostPorts(containers, path)];
}

function validateProbes(container: Container, graceSeconds: number | undefined, path: Path): FieldError[] {
  return [
    ...validateProbe('liveness', container.livenessProbe, graceSeconds, path.child('livenessProbe')),
    ...validateProbe('readiness', container.readinessProbe, graceSeconds, path.child('readinessProbe')),
    ...validateProbe('startup', container.startupProbe, graceSeconds, path.child('startupProbe')),
  ];
}

export function validateInitContainers(pod: PodContext, path: Path): FieldError[] {
  const { initContainers = [], containers, os, terminationGracePeriodSeconds: grace } = pod.spec;
  const names = new Set(containers.map(({ name }) => name));
  return initContainers.flatMap((container, index) => {
    const at = path.index(index);
    const errors = validateCommon(container, pod, at);
    const isSidecar = container.restartPolicy === 'Always';
    if (isSidecar && container.restartPolicyRules?.length) {
      const detail = 'restartPolicyRules are not allowed for init containers with restart policy Always';
      errors.push(fieldForbidden(at.child('restartPolicyRules'), detail));
    } else if (container.restartPolicy !== undefined) errors.push(...validateRestartRules(container, at));
    if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name));
    else if (container.name) names.add(container.name);
    errors.push(...validateHostPorts([container], path));
    if (isSidecar) {
      const { lifecycle } = container;
      if (lifecycle) errors.push(...validateLifecycle(lifecycle, grace, os, at.child('lifecycle')));
      return [...errors, ...validateProbes(container, grace, at)];
    }
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      const detail = 'may not be set for init containers without restartPolicy=Always';
      if (container[field]) errors.push(fieldForbidden(at.child(field), detail));
    }
    return errors;
  });
}

/** What makes no sense for a container that is there to look at others. */
const notForEphemeral = [
  'ports',
  'resources',
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
] as const;

export function validateEphemeralContainers(pod: PodContext, path: Path): FieldError[] {
  const { ephemeralContainers = [], containers, initContainers = [] } = pod.spec;
  const targets = new Set([...containers, ...initContainers].map(({ name }) => name));
  const names = new Set(targets);
  return ephemeralContainers.flatMap((container, index) => {
    const at = path.index(index);
    const errors = [...validateCommon(container, pod, at), ...validateImageSpace(container, at)];
    if (names.has(container.name)) errors.push(duplicate(at.child('name'), container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !targets.has(target)) errors.push(fieldNotFound(at.child('targetContainerName'), target));
    const detail = 'cannot be set for an Ephemeral Container';
    for (const field of notForEphemeral) {
      if (hasContent(container[field])) errors.push(fieldForbidden(at.child(field), detail));
    }
    for (const [mount, { subPath, subPathExpr }] of (container.volumeMounts ?? []).entries()) {
      const mountPath = at.child('volumeMounts').index(mount);
      if (subPath) errors.push(fieldForbidden(mountPath.child('subPath'), detail));
      if (subPathExpr) errors.push(fieldForbidden(mountPath.child('subPathExpr'), detail));
    }
    return errors;
  });
}

function hasContent(value: unknown): boolean {
  if (value === undefined || value === '') return false;
  return typeof value !== 'object' || value === null || Object.keys(value).length > 0;
}

/** Checked for pods, not for the templates of them. */
export function validateImageSpace({ image = '' }: AnyContainer, path: Path): FieldError[] {
  if (image.trim() === image) return [];
  return [invalidValue(path.child('image'), image, 'must not have leading or trailing whitespace')];
}

function validateCommon(container: AnyContainer, pod: PodContext, path: Path): FieldError[] {
  const messagePolicies = ['File', 'FallbackToLogsOnError'];
  const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
  const { name, image, ports = [], resources, resizePolicy = [], securityContext } = container;
  return [
    ...requiredMatch(dns1123Label, name, path.child('name')),
    ...filled(image, path.child('image')),
    ...requiredChoice(
      container.terminationMessagePolicy,
      messagePolicies,
      path.child('terminationMessagePolicy'),
    ),
    ...validatePorts(ports, path.child('ports')),
    ...validateEnv(container.env ?? [], path.child('env')),
    ...validateEnvFrom(container.envFrom ?? [], path.child('envFrom')),
    ...validateMounts(container, pod.volumes, path.child('volumeMounts')),
    ...validateDevices(container, pod.volumes, path.child('volumeDevices')),
    ...requiredChoice(container.imagePullPolicy, pullPolicies, path.child('imagePullPolicy')),
    ...validateResources(
      resources ?? {},
      validateContainerResourceName,
      pod.claimNames,
      path.child('resources'),
    ),
    ...validateResizePolicy(resizePolicy, pod.spec.restartPolicy, path.child('resizePolicy')),
    ...validateSecurityContext(securityContext, pod.hostUsers, path.child('securityContext')),
  ];
}

function validatePorts(ports: readonly ContainerPort[], path: Path): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort, hostPort, protocol }, index) => {
    const at = path.index(index);
    const errors: FieldError[] = [];
    if (name) {
      const found = matches(portName, name, at.child('name'));
      errors.push(...found);
      if (found.length === 0 && names.has(name)) errors.push(duplicate(at.child('name'), name));
      if (found.length === 0) names.add(name);
    }
    if (!containerPort) errors.push(required(at.child('containerPort')));
    else errors.push(...withinRange(containerPort, 1, 65535, at.child('containerPort')));
    if (hostPort) errors.push(...withinRange(hostPort, 1, 65535, at.child('hostPort')));
    return [...errors, ...requiredChoice(protocol, protocols, at.child('protocol'))];
  });
}

function validateHostPorts(containers: readonly Container[], path: Path): FieldError[] {
  const taken = new Set<string>();
  return containers.flatMap(({ ports = [] }, index) =>
    ports.flatMap(({ protocol, hostIP = '', hostPort }, at) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      const isTaken = taken.has(key);
      taken.add(key);
      return isTaken ? [duplicate(path.index(index).child('ports').index(at).child('hostPort'), key)] : [];
    }),
  );
}

function validateResizePolicy(
  policies: readonly ContainerResizePolicy[],
  podRestartPolicy: string | undefined,
  path: Path,
): FieldError[] {
  const seen = new Set<string>();
  return policies.flatMap(({ resourceName, restartPolicy }, index) => {
    const errors: FieldError[] = [];
    if (seen.has(resourceName)) errors.push(duplicate(path.index(index), resourceName));
    seen.add(resourceName);
    errors.push(...requiredChoice(resourceName, ['cpu', 'memory'], path));
    errors.push(...requiredChoice(restartPolicy, ['NotRequired', 'RestartContainer'], path));
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      const detail = "must be 'NotRequired' when `restartPolicy` is 'Never'";
      errors.push(invalidValue(path, restartPolicy, detail));
    }
    return errors;
  });
}

export function validateResources(
  { limits = {}, requests = {}, claims = [] }: ResourceRequirements,
  validateName: (name: string, path: Path) => FieldError[],
  claimNames: ReadonlySet<string>,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const requestsPath = path.child('requests');
  for (const [name, amount] of Object.entries(limits)) {
    errors.push(...validateAmount(name, amount, validateName, path.child('limits').key(name)));
  }
  for (const [name, amount] of Object.entries(requests)) {
    errors.push(...validateAmount(name, amount, validateName, requestsPath.key(name)));
    const limit = own(limits, name);
    if (limit === undefined) {
      if (isOvercommitAllowed(name)) continue;
      errors.push(required(path.child('limits'), 'Limit must be set for non overcommitable resources'));
      continue;
    }
    const order = compareQuantities(parseQuantity(amount), parseQuantity(limit));
    if (order !== 0 && !isOvercommitAllowed(name)) {
      errors.push(invalidValue(requestsPath, amount, `must be equal to ${name} limit of ${limit}`));
    } else if (order > 0) {
      errors.push(
        invalidValue(requestsPath, amount, `must be less than or equal to ${name} limit of ${limit}`),
      );
    }
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.push(fieldForbidden(path, 'HugePages require cpu or memory'));
  }
  return [...errors, ...validateClaims(claims, claimNames, path.child('claims'))];
}

function validateAmount(
  name: string,
  amount: string,
  validateName: (name: string, path: Path) => FieldError[],
  path: Path,
): FieldError[] {
  const errors = [...validateName(name, path), ...validateResourceAmount(name, amount, path)];
  if (isHugePages(name) && !isMultipleOfPage(name, amount)) {
    errors.push(invalidValue(path, amount, `${amount} is not positive integer multiple of ${name}`));
  }
  return errors;
}

function isMultipleOfPage(name: string, amount: string): boolean {
  try {
    const page = parseQuantity(name.slice('hugepages-'.length));
    const scale = Math.min(page.scale, parseQuantity(amount).scale);
    const units = ({ unscaled, scale: own }: typeof page) => unscaled * 10n ** BigInt(own - scale);
    return units(page) > 0n && units(parseQuantity(amount)) % units(page) === 0n;
  } catch {
    // A page size that is no quantity has no multiples.
    return false;
  }
}

function validateClaims(
  claims: readonly CoreV1ResourceClaim[],
  podClaims: ReadonlySet<string>,
  path: Path,
): FieldError[] {
  const keys = new Set<string>();
  return claims.flatMap(({ name, request }, index) => {
    const at = path.index(index);
    if (!name) return [required(at)];
    const errors: FieldError[] = [];
    if (keys.has(name)) errors.push(duplicate(at, name));
    else {
      const key = request ? `${name}/${request}` : name;
      if (request) errors.push(...matches(dns1123Label, request, at.child('request')));
      const isCovered = !request && [...keys].some((known) => known.startsWith(`${name}/`));
      if (keys.has(key) || isCovered) errors.push(duplicate(at, isCovered ? name : key));
      keys.add(key);
    }
    if (!podClaims.has(name)) {
      const known = podClaims.size === 0 ? ' which is empty' : `: ${[...podClaims].sort().join(', ')}`;
      errors.push({
        ...fieldNotFound(at, name),
        detail: `must be one of the names in pod.spec.resourceClaims${known}`,
      });
    }
    return errors;
  });
}
