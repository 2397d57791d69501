import type { Container, Pod, SeccompProfile, SELinuxOptions } from '../../lib/api/gen/types.ts';
import { KumulusError } from '../../lib/errors.ts';
import type * as cri from '../cri/types.ts';

/** Paths of `/proc` and `/sys` that a container with the default proc mount does not get to see, or to change. */
const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export function namespaceOptions({ spec }: Pod): cri.NamespaceOptions {
  return {
    network: spec.hostNetwork ? 'NODE' : 'POD',
    pid: spec.hostPID ? 'NODE' : spec.shareProcessNamespace ? 'POD' : 'CONTAINER',
    ipc: spec.hostIPC ? 'NODE' : 'POD',
  };
}

export function sandboxSecurity(pod: Pod): cri.SandboxConfig['linux']['securityContext'] {
  const context = pod.spec.securityContext ?? {};
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return {
    namespaceOptions: namespaceOptions(pod),
    privileged: containers.some(({ securityContext }) => securityContext?.privileged),
    seccomp: { profileType: 'RuntimeDefault' },
    supplementalGroups: podGroups(pod),
    ...(context.supplementalGroupsPolicy === 'Strict' ? { supplementalGroupsPolicy: 'Strict' as const } : {}),
    ...(context.runAsUser === undefined ? {} : { runAsUser: { value: context.runAsUser } }),
    ...(context.runAsUser === undefined || context.runAsGroup === undefined
      ? {}
      : { runAsGroup: { value: context.runAsGroup } }),
    ...selinux(context.seLinuxOptions),
  };
}

/**
 * A container's security context, its own fields before the pod's. `image` is who the image says it runs as. Throws
 * when `runAsNonRoot` cannot be kept (`CreateContainerConfigError`).
 */
export function containerSecurity(
  pod: Pod,
  container: Container,
  image: Pick<cri.Image, 'uid' | 'username'> | undefined,
): cri.ContainerSecurityContext {
  const ofPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  verifyNonRoot(pod, container, image);
  const user = own.runAsUser ?? ofPod.runAsUser ?? image?.uid?.value;
  const group = own.runAsGroup ?? ofPod.runAsGroup;
  const privileged = own.privileged ?? false;
  const unmasked = own.procMount === 'Unmasked';
  return {
    namespaceOptions: namespaceOptions(pod),
    privileged,
    capabilities: {
      addCapabilities: own.capabilities?.add ?? [],
      dropCapabilities: own.capabilities?.drop ?? [],
    },
    ...(user === undefined ? {} : { runAsUser: { value: user } }),
    ...(group === undefined ? {} : { runAsGroup: { value: group } }),
    ...(user === undefined && image?.username ? { runAsUsername: image.username } : {}),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    noNewPrivs: own.allowPrivilegeEscalation === false,
    supplementalGroups: podGroups(pod),
    ...(ofPod.supplementalGroupsPolicy === 'Strict' ? { supplementalGroupsPolicy: 'Strict' as const } : {}),
    maskedPaths: unmasked || privileged ? [] : maskedPaths,
    readonlyPaths: unmasked || privileged ? [] : readonlyPaths,
    seccomp: seccomp(own.seccompProfile ?? ofPod.seccompProfile),
    ...appArmor(pod, container),
    ...selinux(own.seLinuxOptions ?? ofPod.seLinuxOptions),
  };
}

function podGroups({ spec }: Pod): number[] {
  const { fsGroup, supplementalGroups = [] } = spec.securityContext ?? {};
  return fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup];
}

/** Profiles of the node are files below `/var/lib/kubelet/seccomp`, where Kubernetes documents them to be. */
function seccomp(profile: SeccompProfile | undefined): cri.SecurityProfile {
  if (profile?.type === 'RuntimeDefault') return { profileType: 'RuntimeDefault' };
  if (profile?.type === 'Localhost') {
    return {
      profileType: 'Localhost',
      localhostRef: `/var/lib/kubelet/seccomp/${profile.localhostProfile ?? ''}`,
    };
  }
  return { profileType: 'Unconfined' };
}

function appArmor(pod: Pod, container: Container): { apparmor?: cri.SecurityProfile } {
  const profile = container.securityContext?.appArmorProfile ?? pod.spec.securityContext?.appArmorProfile;
  if (!profile) return {};
  const profileType = profile.type as cri.SecurityProfile['profileType'];
  return { apparmor: { profileType, localhostRef: profile.localhostProfile ?? '' } };
}

function selinux(options: SELinuxOptions | undefined): { selinuxOptions?: cri.SELinuxOption } {
  return options ? { selinuxOptions: { ...options } } : {};
}

function verifyNonRoot(
  pod: Pod,
  container: Container,
  image: Pick<cri.Image, 'uid' | 'username'> | undefined,
): void {
  const ofPod = pod.spec.securityContext;
  const own = container.securityContext;
  if (!(own?.runAsNonRoot ?? ofPod?.runAsNonRoot)) return;
  const where = `(pod: "${podRef(pod)}", container: ${container.name})`;
  const user = own?.runAsUser ?? ofPod?.runAsUser;
  if (user !== undefined) {
    if (user === 0)
      throw new KumulusError('Invalid', `container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (image?.uid?.value === 0 || (!image?.uid && !image?.username)) {
    throw new KumulusError('Invalid', `container has runAsNonRoot and image will run as root ${where}`);
  }
  if (!image?.uid) {
    throw new KumulusError(
      'Invalid',
      `container has runAsNonRoot and image has non-numeric user (${image?.username}), cannot verify user is non-root ${where}`,
    );
  }
}

/** How messages name a pod: `name_namespace(uid)`. */
export function podRef({ metadata }: Pod): string {
  return `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
}
