/** Controls over what a container's processes may do: privileges, capabilities, users. */
import {
  type Check,
  containersOf,
  containersWhere,
  exceptUserNamespace,
  exceptWindows,
  named,
  type PodLike,
  quoted,
  setters,
  sorted,
} from './check.ts';

export const privilegeChecks: readonly Check[] = [
  { id: 'privileged', level: 'baseline', versions: [{ since: 0, check: privileged }] },
  { id: 'capabilities_baseline', level: 'baseline', versions: [{ since: 0, check: defaultCapabilities }] },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    versions: [
      { since: 22, check: droppedCapabilities, overrides: 'capabilities_baseline' },
      { since: 25, check: exceptWindows(droppedCapabilities), overrides: 'capabilities_baseline' },
    ],
  },
  {
    id: 'allowPrivilegeEscalation',
    level: 'restricted',
    versions: [
      { since: 8, check: noPrivilegeEscalation },
      { since: 25, check: exceptWindows(noPrivilegeEscalation) },
    ],
  },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    versions: [
      { since: 0, check: runAsNonRoot },
      { since: 35, check: exceptUserNamespace(runAsNonRoot) },
    ],
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    versions: [
      { since: 23, check: runAsUser },
      { since: 35, check: exceptUserNamespace(runAsUser) },
    ],
  },
];

const defaults = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

function privileged(pod: PodLike) {
  const containers = containersWhere(pod, ({ securityContext }) => securityContext?.privileged === true);
  if (containers.length === 0) return undefined;
  const detail = `${named('container', containers)} must not set securityContext.privileged=true`;
  return { reason: 'privileged', detail };
}

/** The containers that add a capability which may not be added, and what they must not; undefined when none does. */
function forbiddenAdditions(pod: PodLike, mayAdd: (capability: string) => boolean): string | undefined {
  const added = (container: { securityContext?: { capabilities?: { add?: string[] } } }) =>
    (container.securityContext?.capabilities?.add ?? []).filter((capability) => !mayAdd(capability));
  const containers = containersWhere(pod, (container) => added(container).length > 0);
  if (containers.length === 0) return undefined;
  const capabilities = sorted(containersOf(pod.spec).flatMap(added));
  return `${named('container', containers)} must not include ${quoted(capabilities)} in securityContext.capabilities.add`;
}

function defaultCapabilities(pod: PodLike) {
  const detail = forbiddenAdditions(pod, (capability) => defaults.has(capability));
  return detail === undefined ? undefined : { reason: 'non-default capabilities', detail };
}

function droppedCapabilities(pod: PodLike) {
  const keeping = containersWhere(
    pod,
    ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'),
  );
  const dropped =
    keeping.length > 0
      ? `${named('container', keeping)} must set securityContext.capabilities.drop=["ALL"]`
      : undefined;
  const added = forbiddenAdditions(pod, (capability) => capability === 'NET_BIND_SERVICE');
  const details = [dropped, added].filter((detail) => detail !== undefined);
  if (details.length === 0) return undefined;
  return { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

function noPrivilegeEscalation(pod: PodLike) {
  const containers = containersWhere(
    pod,
    ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false,
  );
  if (containers.length === 0) return undefined;
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${named('container', containers)} must set securityContext.allowPrivilegeEscalation=false`,
  };
}

function runAsNonRoot(pod: PodLike) {
  const reason = 'runAsNonRoot != true';
  const ofPod = pod.spec.securityContext?.runAsNonRoot;
  const who = setters(
    ofPod === false,
    containersWhere(pod, ({ securityContext }) => securityContext?.runAsNonRoot === false),
  );
  if (who) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
  if (ofPod) return undefined;
  const silent = containersWhere(pod, ({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  if (silent.length === 0) return undefined;
  return {
    reason,
    detail: `pod or ${named('container', silent)} must set securityContext.runAsNonRoot=true`,
  };
}

function runAsUser(pod: PodLike) {
  const who = setters(
    pod.spec.securityContext?.runAsUser === 0,
    containersWhere(pod, ({ securityContext }) => securityContext?.runAsUser === 0),
  );
  return who ? { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` } : undefined;
}
