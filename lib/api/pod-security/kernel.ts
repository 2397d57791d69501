/** Controls over the kernel's own guards: seccomp, AppArmor, SELinux, /proc masks and sysctls. */
import type { SecurityContext, SELinuxOptions } from '../gen/types.ts';
import { quote } from '../validate/quote.ts';
import {
  type Check,
  type CheckPod,
  containersOf,
  containersWhere,
  exceptUserNamespace,
  exceptWindows,
  type Finding,
  named,
  type PodLike,
  quoted,
  setters,
  sorted,
} from './check.ts';

const sysctlsSince: readonly (readonly [since: number, names: readonly string[]])[] = [
  [
    0,
    [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.tcp_syncookies',
      'net.ipv4.ping_group_range',
      'net.ipv4.ip_unprivileged_port_start',
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [
    29,
    [
      'net.ipv4.tcp_keepalive_time',
      'net.ipv4.tcp_fin_timeout',
      'net.ipv4.tcp_keepalive_intvl',
      'net.ipv4.tcp_keepalive_probes',
    ],
  ],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];

export const kernelChecks: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', versions: [{ since: 0, check: appArmorProfile }] },
  {
    id: 'procMount',
    level: 'baseline',
    versions: [
      { since: 0, check: procMount },
      { since: 35, check: exceptUserNamespace(procMount) },
    ],
  },
  {
    id: 'procMount_restricted',
    level: 'restricted',
    versions: [{ since: 35, check: procMount, overrides: 'procMount' }],
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    versions: [
      { since: 0, check: seLinux(['container_t', 'container_init_t', 'container_kvm_t']) },
      {
        since: 31,
        check: seLinux(['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']),
      },
    ],
  },
  {
    id: 'seccompProfile_baseline',
    level: 'baseline',
    versions: [
      { since: 0, check: seccompAnnotations },
      { since: 19, check: forbiddenSeccomp },
    ],
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    versions: [
      { since: 19, check: requiredSeccomp, overrides: 'seccompProfile_baseline' },
      { since: 25, check: exceptWindows(requiredSeccomp), overrides: 'seccompProfile_baseline' },
    ],
  },
  {
    id: 'sysctls',
    level: 'baseline',
    versions: sysctlsSince.map(([since]) => ({
      since,
      check: sysctls(sysctlsSince.filter(([of]) => of <= since).flatMap(([, names]) => names)),
    })),
  },
];

const safeProfiles: readonly string[] = ['RuntimeDefault', 'Localhost'];

/** The profile type that a pod or container sets and must not. */
function badProfile(type: string | undefined): string[] {
  return type === undefined || safeProfiles.includes(type) ? [] : [type];
}

type ProfileOf = (context: Pick<SecurityContext, 'appArmorProfile' | 'seccompProfile'>) => string | undefined;

/** Who sets a profile that is not safe, and which. */
function badProfiles({ spec, metadata }: PodLike, of: ProfileOf) {
  const bad = (context: SecurityContext | undefined) => badProfile(context && of(context));
  const ofPod = bad(spec.securityContext as SecurityContext | undefined);
  const containers = containersWhere({ spec, metadata }, (c) => bad(c.securityContext).length > 0);
  const values = sorted([...ofPod, ...containersOf(spec).flatMap((c) => bad(c.securityContext))]);
  return { who: setters(ofPod.length > 0, containers), values };
}

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

function appArmorProfile(pod: PodLike): Finding | undefined {
  const { who, values } = badProfiles(pod, (context) => context.appArmorProfile?.type);
  const annotations = Object.entries(pod.metadata.annotations ?? {})
    .filter(([key]) => key.startsWith(appArmorPrefix))
    .filter(([, value]) => value !== '' && value !== 'runtime/default' && !value.startsWith('localhost/'))
    .map(([key, value]) => `${key}=${quote(value)}`)
    .sort();
  const inAnnotations = annotations.length === 1 ? 'annotation' : 'annotations';
  const all = [who, ...(annotations.length > 0 ? [inAnnotations] : [])].filter((part) => part);
  if (all.length === 0) return undefined;
  const found = [...values, ...annotations];
  return {
    reason: found.length === 1 ? 'forbidden AppArmor profile' : 'forbidden AppArmor profiles',
    detail: `${all.join(' and ')} must not set AppArmor profile type to ${quoted(found)}`,
  };
}

function procMount(pod: PodLike): Finding | undefined {
  const isBad = (mount: string | undefined): mount is string => mount !== undefined && mount !== 'Default';
  const containers = containersWhere(pod, ({ securityContext }) => isBad(securityContext?.procMount));
  if (containers.length === 0) return undefined;
  const types = sorted(
    containersOf(pod.spec)
      .map((c) => c.securityContext?.procMount)
      .filter(isBad),
  );
  return {
    reason: 'procMount',
    detail: `${named('container', containers)} must not set securityContext.procMount to ${quoted(types)}`,
  };
}

function seLinux(allowedTypes: readonly string[]): CheckPod {
  const isBadType = ({ type }: SELinuxOptions) => Boolean(type) && !allowedTypes.includes(type ?? '');
  const isBad = (options: SELinuxOptions | undefined) =>
    options !== undefined && (isBadType(options) || Boolean(options.user) || Boolean(options.role));
  return (pod) => {
    const ofPod = pod.spec.securityContext?.seLinuxOptions;
    const who = setters(
      isBad(ofPod),
      containersWhere(pod, ({ securityContext }) => isBad(securityContext?.seLinuxOptions)),
    );
    if (!who) return undefined;
    const all = [ofPod, ...containersOf(pod.spec).map((c) => c.securityContext?.seLinuxOptions)].filter(
      (options) => options !== undefined,
    );
    const types = sorted(all.filter(isBadType).map(({ type }) => type ?? ''));
    const wrong = [
      ...(types.length > 0 ? [named('type', types)] : []),
      ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
      ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
    ];
    return {
      reason: 'seLinuxOptions',
      detail: `${who} set forbidden securityContext.seLinuxOptions: ${wrong.join('; ')}`,
    };
  };
}

const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';

/** Before there were fields for it (1.19). */
function seccompAnnotations({ metadata, spec }: PodLike): Finding | undefined {
  const names = [
    seccompPodAnnotation,
    ...containersOf(spec).map(({ name }) => seccompContainerPrefix + name),
  ];
  const isSafe = (value: string) =>
    value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');
  const forbidden = sorted(
    names.flatMap((name) => {
      const value = metadata.annotations?.[name];
      return value === undefined || isSafe(value) ? [] : [`${name}=${quote(value)}`];
    }),
  );
  if (forbidden.length === 0) return undefined;
  const what = forbidden.length === 1 ? 'annotation' : 'annotations';
  return { reason: 'seccompProfile', detail: `forbidden ${what} ${forbidden.join(', ')}` };
}

function forbiddenSeccomp(pod: PodLike): Finding | undefined {
  const { who, values } = badProfiles(pod, (context) => context.seccompProfile?.type);
  if (!who) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(values)}`,
  };
}

function requiredSeccomp(pod: PodLike): Finding | undefined {
  const forbidden = forbiddenSeccomp(pod);
  if (forbidden || pod.spec.securityContext?.seccompProfile) return forbidden;
  const silent = containersWhere(pod, ({ securityContext }) => !securityContext?.seccompProfile);
  if (silent.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `pod or ${named('container', silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
}

function sysctls(allowed: readonly string[]): CheckPod {
  const safe = new Set(allowed);
  return ({ spec }) => {
    const forbidden = (spec.securityContext?.sysctls ?? [])
      .map(({ name }) => name)
      .filter((name) => !safe.has(name));
    return forbidden.length > 0 ? { reason: 'forbidden sysctls', detail: forbidden.join(', ') } : undefined;
  };
}
